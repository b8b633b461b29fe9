"""Agreement: what counts as the same answer, and which differences are near ties."""

from __future__ import annotations

import numpy as np

from albert_export.evaluation.decisions import Decision
from albert_export.verification.agreement import agree, differences, near_tie, with_number_tolerance
from tests.canned_session import embedded, labelled


def test_embeddings_agree_if_they_point_in_the_same_direction() -> None:
    expected = embedded([3.0, 4.0], [[1.0, 0.0], [1.0, 2.0]])
    np.testing.assert_allclose(expected.answer, [[0.6, 0.8], [0.5**0.5, 0.5**0.5]], rtol=1e-6)
    assert agree(expected, embedded([30.0, 41.0], [[2.0, 0.0], [2.0, 4.1]]))
    assert not agree(expected, embedded([4.0, 3.0], [[1.0, 0.0], [1.0, 2.0]]))  # the cosine is 0.96
    assert not agree(expected, embedded([3.0, 4.0], [[1.0, 0.0], [1.0, 0.5]]))
    assert not agree(expected, embedded([float("nan"), 4.0], [[1.0, 0.0], [1.0, 2.0]]))


def test_other_answers_agree_if_they_are_equal() -> None:
    assert agree(Decision.single("yes", 0.1), Decision.single("yes", 0.9))
    assert not agree(Decision.single("yes", 0.1), Decision.single("no", 0.1))


def test_a_near_tie_differs_only_in_parts_with_a_small_margin() -> None:
    expected = labelled("multi_label_classification", happy=0.51, long=0.9, loud=0.2)
    assert near_tie(expected, labelled("multi_label_classification", happy=0.49, long=0.8, loud=0.3), 0.05)
    assert not near_tie(expected, labelled("multi_label_classification", happy=0.49, long=0.4, loud=0.3), 0.05)
    assert not near_tie(expected, labelled("multi_label_classification", happy=0.52, long=0.9, loud=0.6), 0.05)
    ordered = Decision(("in order", [7]), (("in order", 0.9), (7, 0.01)))
    assert near_tie(ordered, Decision(("in order", [8]), (("in order", 0.9), (8, 0.2))), 0.05)
    assert not near_tie(ordered, Decision(("swapped", [7]), (("swapped", 0.9), (7, 0.2))), 0.05)
    assert not near_tie(ordered, Decision(("swapped", [8]), (("swapped", 0.9), (8, 0.2))), 0.05)


def test_equal_decisions_and_other_numbers_of_parts_are_no_near_tie() -> None:
    one = Decision.single("a", 0.01)
    assert not near_tie(one, one, 0.05)
    assert not near_tie(one, Decision("b", (("b", 0.01), ("c", 0.01))), 0.05)


def test_each_token_counts_as_an_answer() -> None:
    expected = Decision([("PER", 0, 3)], ((1, 0.9), (0, 0.01), (0, 0.8)), parts_are_answers=True)
    assert differences(expected, expected, 0.05) == (3, 0, 0)
    assert differences(expected, Decision([], ((0, 0.9), (1, 0.5), (0, 0.8)), parts_are_answers=True), 0.05) == (
        3,
        2,
        1,
    )
    assert differences(expected, Decision([("PER", 0, 3)], ((1, 0.9),), parts_are_answers=True), 0.05) == (1, 0, 0)


def test_other_decisions_count_as_one_answer() -> None:
    expected = Decision(("in order", [7]), (("in order", 0.9), (7, 0.01)))
    assert differences(expected, expected, 0.05) == (1, 0, 0)
    assert differences(expected, Decision(("in order", [8]), (("in order", 0.9), (8, 0.2))), 0.05) == (1, 1, 1)
    assert differences(expected, Decision(("swapped", [7]), (("swapped", 0.9), (7, 0.2))), 0.05) == (1, 1, 0)


def test_numbers_agree_within_a_share_of_their_range() -> None:
    stars = [labelled("regression", stars=value) for value in (1.0, 3.0, 5.0)]
    low, middle, high = with_number_tolerance(stars)
    assert agree(middle, labelled("regression", stars=3.19))
    assert not agree(middle, labelled("regression", stars=3.21))
    assert not agree(high, labelled("regression", stars=float("nan")))
    assert not near_tie(low, labelled("regression", stars=5.0), 0.05)
    [alone] = with_number_tolerance(stars[2:])
    assert agree(alone, labelled("regression", stars=5.2))
    assert not agree(alone, labelled("regression", stars=5.3))
