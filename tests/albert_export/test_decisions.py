"""Decisions: what counts as the same answer, and by how much it was decided."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from albert_export.decisions import decide
from albert_runtime.answers import Answer, Choice, Filled, Label, SentenceOrder


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
    assert decided("text-classification", labels, "multi_label_classification") == ({"yes"}, 0.1)
    assert decided("text-classification", labels, "regression") == (2, 1.0)


def test_choice_order_and_masks() -> None:
    assert decided("multiple-choice", Choice(1, "b", 0.5, (0.2, 0.5, 0.3))) == (1, 0.2)
    assert decided("pretraining", SentenceOrder("swapped", False, 0.9)) == ("swapped", 0.8)
    ways = (Filled("▁a", 7, 0.6, "a"), Filled("▁b", 8, 0.3, "b"))
    close = (Filled("▁c", 9, 0.4, "c"), Filled("▁d", 5, 0.35, "d"))
    assert decided("fill-mask", (ways, close)) == ([7, 9], 0.05)
