"""Outputs of a beam search are compared so that rounding can't make a difference, and nothing else is excused."""

from __future__ import annotations

import json

import numpy as np
import pytest

import albert_runtime
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import BundleError
from albert_runtime.postprocessing.beams import Beams, aligned
from albert_runtime.self_test import make_self_test
from tests.runtime.tiny_bundle import make_bundle, write_manifest

MASKED = -10003.5


def outputs(starts, ends, cls=0.5):
    """The outputs for one sequence; `starts` and each of `ends` are lists of (position, log-probability)."""
    flat = [pair for row in ends for pair in row]
    return {
        "start_top_log_probs": np.array([[value for _, value in starts]], np.float32),
        "start_top_index": np.array([[place for place, _ in starts]]),
        "end_top_log_probs": np.array([[value for _, value in flat]], np.float32),
        "end_top_index": np.array([[place for place, _ in flat]]),
        "cls_logits": np.array([cls], np.float32),
    }


def largest(got, expected):
    """The largest difference."""
    first, second = aligned(got, expected)
    assert list(first) == list(second) == ["start_log_probs", "end_log_probs", "cls_logits"]
    return max(float(np.abs(first[name] - second[name]).max(initial=0)) for name in first)


ENDS = [(7, -0.2), (8, -2.0)], [(9, -0.3), (7, -1.5)]
PLAIN = outputs([(7, -1.0), (5, -1.5)], ENDS)


def test_equal_outputs():
    assert largest(PLAIN, PLAIN) == 0


def test_an_order_that_only_rounding_decides():
    one = outputs([(7, -1.0), (5, -1.00001)], ENDS)
    other = outputs([(5, -1.0), (7, -1.00001)], ENDS[::-1])
    assert 0 < largest(one, other) < 1e-4


def test_a_last_place_that_only_rounding_decides():
    """Positions 5 and 6 are equally probable; each beam has one of them, with ends that can't be compared."""
    one = outputs([(7, -1.0), (5, -1.5)], ENDS)
    other = outputs([(7, -1.0), (6, -1.50001)], (ENDS[0], [(6, -0.1), (8, -9.0)]))
    assert 0 < largest(one, other) < 1e-4


@pytest.mark.parametrize(
    "other",
    [
        outputs([(7, -1.1), (5, -1.5)], ENDS),
        outputs([(7, -1.0), (6, -1.3)], ENDS),
        outputs([(7, -1.0), (5, -1.5)], ([(7, -0.2), (8, -2.1)], ENDS[1])),
        outputs([(7, -1.0), (5, -1.5)], ([(7, -0.2), (6, -1.9)], ENDS[1])),
        outputs([(5, -1.0), (7, -1.5)], ENDS[::-1]),
        outputs([(7, -1.0), (5, -1.5)], ENDS, cls=0.6),
        outputs([(7, -1.0), (5, MASKED)], ENDS),
    ],
    ids=["start value", "start place", "end value", "end place", "starts swapped", "answer class", "masked"],
)
def test_real_differences(other):
    assert largest(other, PLAIN) > 0.09
    assert largest(PLAIN, other) > 0.09


def test_the_order_of_masked_positions_means_nothing():
    one = outputs([(7, 0.0), (0, MASKED)], ([(7, 0.0), (1, MASKED)], [(3, MASKED), (4, MASKED)]))
    other = outputs([(7, 0.0), (9, MASKED)], ([(7, 0.0), (8, MASKED)], [(0, -1.0), (2, -1.0)]))
    assert largest(one, other) == 0


def test_values_that_are_no_numbers():
    with pytest.raises(BundleError, match="not numbers"):
        Beams.of({name: array[0] for name, array in outputs([(7, np.nan), (5, -1.0)], ENDS).items()})


def test_self_tests_are_compared_in_this_way(tmp_path):
    request = {"question": "where?", "context": "the tower stands in paris"}
    fields = {"task": "question-answering", "head": "beam-search"}
    folder = make_bundle(tmp_path, **fields)

    def opened(starts, ends, **options):
        engine = CannedEngine("question-answering", outputs(starts, ends), head="beam-search")
        return albert_runtime.load(folder, engine=engine, **options)

    vector = make_self_test(opened([(7, -1.0), (5, -1.00001)], ENDS, verify=False), request, 1e-3)
    write_manifest(folder, **fields, self_test=(json.loads(json.dumps(vector)),))
    opened([(5, -1.0), (7, -1.00001)], ENDS[::-1])
    with pytest.raises(BundleError, match=r"vector 1 of 1: start_log_probs differs by 0\.1"):
        opened([(7, -1.1), (5, -1.00001)], ENDS)
