"""Decisions: what counts as the same answer, and by how much it was decided."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import albert_runtime
from albert_export.evaluation.decisions import Decision, agree, decide, differences, near_tie, with_spread
from albert_runtime.answers import Answer, Choice, Embedding, Filled, Label, SentenceOrder
from tests.conftest import CheckpointOf


class Canned:
    """A session that gives one answer."""

    def __init__(self, task: str, answer: Any, problem_type: str | None = None) -> None:
        self.task, self._answer = task, answer
        self.bundle = SimpleNamespace(config={"problem_type": problem_type})

    def __call__(self, **_: Any) -> Any:
        return self._answer


def decided(task: str, answer: Any, problem_type: str | None = None) -> tuple[Any, float]:
    decision = decide(Canned(task, answer, problem_type), {})  # type: ignore[arg-type]
    return decision.answer, pytest.approx(decision.margin)


def test_question_answering_goes_by_place() -> None:
    answers = (Answer("Ada", 0.7, 3, 6), Answer("Bob", 0.2, 8, 11))
    assert decided("question-answering", answers) == ((3, 6), 0.5)
    assert decided("question-answering", answers[:1]) == ((3, 6), 1.0)


def test_labels() -> None:
    labels = (Label("yes", 0.6), Label("no", 0.4))
    assert decided("text-classification", labels) == ("yes", 0.2)
    assert decided("text-classification", labels, "multi_label_classification") == ({"yes"}, 0.2)


def test_choice_order_and_masks() -> None:
    assert decided("multiple-choice", Choice(1, "b", 0.5, (0.2, 0.5, 0.3))) == (1, 0.2)
    assert decided("pretraining", SentenceOrder("swapped", False, 0.9)) == (("swapped", []), 0.8)
    masks = (Filled("▁a", 7, 0.6, "a"), Filled("▁b", 8, 0.5, "b"))
    assert decided("pretraining", SentenceOrder("in order", True, 0.9, (masks,))) == (("in order", [7]), 0.1)
    ways = (Filled("▁a", 7, 0.6, "a"), Filled("▁b", 8, 0.3, "b"))
    close = (Filled("▁c", 9, 0.4, "c"), Filled("▁d", 5, 0.35, "d"))
    assert decided("fill-mask", (ways, close)) == ([7, 9], 0.05)


def embedded(vector: list[float], tokens: list[list[float]]) -> Decision:
    return decide(Canned("feature-extraction", Embedding(np.array(vector), np.array(tokens))), {})  # type: ignore


def test_embeddings_agree_where_they_point_the_same_way() -> None:
    expected = embedded([3.0, 4.0], [[1.0, 0.0], [1.0, 2.0]])
    np.testing.assert_allclose(expected.answer, [[0.6, 0.8], [0.5**0.5, 0.5**0.5]], rtol=1e-6)
    assert agree(expected, embedded([30.0, 41.0], [[2.0, 0.0], [2.0, 4.1]]))
    assert not agree(expected, embedded([4.0, 3.0], [[1.0, 0.0], [1.0, 2.0]]))  # the cosine is 0.96
    assert not agree(expected, embedded([3.0, 4.0], [[1.0, 0.0], [1.0, 0.5]]))
    assert not agree(expected, embedded([float("nan"), 4.0], [[1.0, 0.0], [1.0, 2.0]]))


def test_other_answers_agree_where_they_are_equal() -> None:
    assert agree(Decision.single("yes", 0.1), Decision.single("yes", 0.9))
    assert not agree(Decision.single("yes", 0.1), Decision.single("no", 0.1))


def labelled(problem_type: str, **scores: float) -> Decision:
    labels = sorted((Label(name, score) for name, score in scores.items()), key=lambda label: -label.score)
    return decide(Canned("text-classification", tuple(labels), problem_type), {})  # type: ignore[arg-type]


def test_only_what_was_undecided_may_turn() -> None:
    expected = labelled("multi_label_classification", happy=0.51, long=0.9, loud=0.2)
    assert near_tie(expected, labelled("multi_label_classification", happy=0.49, long=0.8, loud=0.3), 0.05)
    assert not near_tie(expected, labelled("multi_label_classification", happy=0.49, long=0.4, loud=0.3), 0.05)
    assert not near_tie(expected, labelled("multi_label_classification", happy=0.52, long=0.9, loud=0.6), 0.05)
    ordered = Decision(("in order", [7]), (("in order", 0.9), (7, 0.01)))
    assert near_tie(ordered, Decision(("in order", [8]), (("in order", 0.9), (8, 0.2))), 0.05)
    assert not near_tie(ordered, Decision(("swapped", [7]), (("swapped", 0.9), (7, 0.2))), 0.05)
    assert not near_tie(ordered, Decision(("swapped", [8]), (("swapped", 0.9), (8, 0.2))), 0.05)


def test_what_differs_in_no_part_or_in_their_number_is_no_tie() -> None:
    one = Decision.single("a", 0.01)
    assert not near_tie(one, one, 0.05)
    assert not near_tie(one, Decision("b", (("b", 0.01), ("c", 0.01))), 0.05)


def test_each_token_is_an_answer() -> None:
    expected = Decision([("PER", 0, 3)], ((1, 0.9), (0, 0.01), (0, 0.8)), apart=True)
    assert differences(expected, expected, 0.05) == (3, 0, 0)
    assert differences(expected, Decision([], ((0, 0.9), (1, 0.5), (0, 0.8)), apart=True), 0.05) == (3, 2, 1)
    assert differences(expected, Decision([("PER", 0, 3)], ((1, 0.9),), apart=True), 0.05) == (1, 0, 0)


def test_a_whole_answer_is_one() -> None:
    expected = Decision(("in order", [7]), (("in order", 0.9), (7, 0.01)))
    assert differences(expected, expected, 0.05) == (1, 0, 0)
    assert differences(expected, Decision(("in order", [8]), (("in order", 0.9), (8, 0.2))), 0.05) == (1, 1, 1)
    assert differences(expected, Decision(("swapped", [7]), (("swapped", 0.9), (7, 0.2))), 0.05) == (1, 1, 0)


def test_numbers_agree_within_a_share_of_their_range() -> None:
    stars = [labelled("regression", stars=value) for value in (1.0, 3.0, 5.0)]
    low, middle, high = with_spread(stars)
    assert agree(middle, labelled("regression", stars=3.19))
    assert not agree(middle, labelled("regression", stars=3.21))
    assert not agree(high, labelled("regression", stars=float("nan")))
    assert not near_tie(low, labelled("regression", stars=5.0), 0.05)
    [alone] = with_spread(stars[2:])
    assert agree(alone, labelled("regression", stars=5.2))
    assert not agree(alone, labelled("regression", stars=5.3))


def test_entities_are_decided_token_by_token(bundle_of: CheckpointOf) -> None:
    session = albert_runtime.load(bundle_of("token-classification"), verify=False)
    text = "Ada Lovelace of London wrote the first program."
    decision = decide(session, {"text": text})
    assert len(decision.parts) == len(session.tokenizer.encode(text, add_special_tokens=False))
    assert all(0 <= margin <= 1 for _, margin in decision.parts)
    assert agree(decision, decide(session, {"text": text}))
