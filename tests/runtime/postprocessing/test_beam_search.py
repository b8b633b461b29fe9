"""The answers of Google's head for SQuAD v2.0; tests/parity/test_google_squad_v2.py compares them with Google's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import albert_runtime
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import BundleError
from albert_runtime.manifest import Manifest
from albert_runtime.postprocessing.beam_search import ContextBeams, best_beam_answers
from albert_runtime.postprocessing.beams import Beams
from albert_runtime.windows import TextWindow
from tests.runtime.postprocessing.test_n_best import BEFORE, context_of, letters
from tests.runtime.tiny_bundle import make_bundle, sequence


def window(first, count):
    length = BEFORE + count + 1
    return TextWindow(sequence(list(range(length)), BEFORE), BEFORE, BEFORE + count, first)


def beams(starts, ends, cls=-1.0):
    """Beams of the window's tokens, counted from 0; `starts` and each of `ends` are (token, log-probability)."""
    return Beams(
        np.array([value for _, value in starts]),
        np.array([BEFORE + token for token, _ in starts]),
        np.array([[value for _, value in row] for row in ends]),
        np.array([[BEFORE + token for token, _ in row] for row in ends]),
        cls,
    )


def answers(context, windows, found, **options):
    options = {"top_k": 9, "max_answer_len": 15, **options}
    return best_beam_answers([ContextBeams(context, windows, found)], **options)


def test_a_score_is_that_of_the_start_times_that_of_the_end_behind_it():
    context = letters(6)
    found = beams([(1, -0.5), (3, -1.0)], [[(2, -0.1), (0, -0.2)], [(5, -0.1), (4, -0.5)]])
    got = answers(context, [window(0, 6)], [found])
    assert [one.text for one in got] == ["b c", "d e f", "d e"]
    np.testing.assert_allclose(np.log([one.score for one in got]), [-0.6, -1.1, -1.5])
    assert [one.text for one in answers(context, [window(0, 6)], [found], max_answer_len=2)] == ["b c", "d e"]
    assert [one.text for one in answers(context, [window(0, 6)], [found], top_k=1)] == ["b c"]


def test_a_token_of_two_windows_starts_an_answer_in_the_one_that_shows_more_around_it():
    """Windows of 4 tokens, 2 apart: token 2 is the third one of the first and the first one of the second."""
    context = letters(6)
    windows = [window(0, 4), window(2, 4)]
    first = beams([(2, -1.0), (3, -2.0)], [[(3, -0.1), (2, -0.5)], [(3, -0.1), (0, -9.0)]])
    second = beams([(0, -0.1), (1, -1.0)], [[(3, -0.1), (0, -0.2)], [(2, -0.1), (0, -1.0)]])
    assert [one.text for one in answers(context, windows, [first, second])] == ["c d", "d e", "c"]


def test_positions_outside_of_the_context_are_no_answers():
    context = letters(3)
    outside = beams([(-BEFORE, -0.1), (3, -0.2), (9, -1e4)], [[(1, -0.1)], [(3, -0.1)], [(9, -1e4)]])
    (only,) = answers(context, [window(0, 3)], [outside])
    assert (only.text, only.score, only.start, only.end) == ("", 0.0, 0, 0)
    assert only.null_score == pytest.approx(1 / (1 + np.exp(1.0)))


def test_tokens_without_characters_and_white_space_around_an_answer():
    context = context_of("a  b", [(0, 1), (2, 2), (2, 4)])
    found = beams([(1, -0.1), (2, -0.2)], [[(1, -0.1), (2, -0.5)], [(2, -0.1), (0, -9)]])
    got = answers(context, [window(0, 3)], [found], align_to_words=False)
    assert [(one.text, one.start, one.end) for one in got] == [("b", 3, 4)]


@pytest.mark.parametrize(("threshold", "place"), [(-1.5, 0), (-0.5, -1)])
def test_the_least_logit_of_all_windows_decides_whether_there_is_an_answer(threshold, place):
    context = letters(6)
    windows = [window(0, 4), window(2, 4)]
    found = [beams([(1, -1.0)], [[(1, -0.1)]], cls=4.0), beams([(3, -1.0)], [[(3, -0.1)]], cls=-1.0)]
    got = answers(context, windows, found, null_threshold=threshold)
    assert sorted(one.text for one in got) == ["", "b", "f"]
    assert got[place].text == ""
    assert got[place].score == got[0].null_score == pytest.approx(1 / (1 + np.exp(1.0)))


def test_several_contexts_are_ranked_together():
    one, other = letters(3), letters(5)
    got = best_beam_answers(
        [
            ContextBeams(one, [window(0, 3)], [beams([(1, -2.0)], [[(1, -0.1)]], cls=2.0)]),
            ContextBeams(other, [window(0, 5)], [beams([(4, -1.0)], [[(4, -0.1)]], cls=-3.0)]),
        ],
        top_k=5,
        max_answer_len=15,
        null_threshold=0.0,
    )
    assert [(answer.text, answer.context_index) for answer in got] == [("e", 1), ("b", 0), ("", 0)]


def test_a_session_uses_the_head_of_its_manifest(tmp_path):
    folder = make_bundle(tmp_path, "question-answering", head="beam-search", null_threshold=0.0)
    tokens = 3  # [CLS] where [SEP]

    def answer(inputs):
        found = beams([(3, -0.1), (0, -3.0)], [[(3, -0.1), (4, -2.0)], [(1, -1.0), (3, -2.0)]], cls=cls)
        return {
            "start_top_log_probs": found.start_log_probs[None],
            "start_top_index": found.starts[None] - BEFORE + tokens,
            "end_top_log_probs": found.end_log_probs.reshape(1, -1),
            "end_top_index": found.ends.reshape(1, -1) - BEFORE + tokens,
            "cls_logits": np.array([found.cls_logit]),
        }

    session = albert_runtime.load(folder, engine=CannedEngine("qa", answer, head="beam-search"))
    cls = -1.0
    assert session("where", "tower in a paris good").text == "paris"
    cls = 1.0
    assert session("where", "tower in a paris good").text == ""
    assert session("where", "tower in a paris good", handle_impossible_answer=False).text == "paris"
    best = session("where", "tower in a paris good", 3)
    assert [one.text for one in best][:2] == ["", "paris"]
    assert session.null_odds(best[1]) == pytest.approx(1.0)


FIELDS = {
    "task": "question-answering",
    "model_file": "model.onnx",
    "max_length": 64,
    "files": dict.fromkeys(("model.onnx", "config.json", "spiece.model"), "0" * 64),
}


class TestManifest:
    def test_the_usual_head_is_not_written(self):
        assert "head" not in Manifest(**FIELDS).to_dict()
        other = Manifest(**FIELDS, head="beam-search")
        assert other.to_dict()["head"] == "beam-search"
        assert Manifest.from_dict(other.to_dict()) == other
        assert next(iter(other.graph_task.outputs)) == "start_top_log_probs"
        assert other.graph_task.name == "question-answering"

    def test_an_unknown_head(self):
        with pytest.raises(BundleError, match=r"'crf', which this runtime does not know.*upgrade albert-runtime"):
            Manifest(**FIELDS, head="crf")
        with pytest.raises(BundleError, match="only the usual one"):
            dataclasses.replace(Manifest(**FIELDS), task="text-classification", head="beam-search")
