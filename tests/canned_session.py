"""Decisions of a session that always returns the same answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from albert_export.evaluation.decisions import Decision, decide
from albert_runtime.answers import Embedding, Label
from albert_runtime.tasks import TASKS


class CannedSession:
    """A session without a model, which returns `answer`."""

    def __init__(self, task: str, answer: Any, problem_type: str | None = None) -> None:
        self.task, self._answer = task, answer
        self.bundle = SimpleNamespace(config={"problem_type": problem_type}, task=TASKS[task])
        labels = [one.label for one in answer] if task == "text-classification" else []
        self.manifest = SimpleNamespace(labels=labels)

    def __call__(self, **_: Any) -> Any:
        return self._answer


def decided(task: str, answer: Any, problem_type: str | None = None) -> Decision:
    """The decision of a session for `task` that returns `answer`."""
    return decide(CannedSession(task, answer, problem_type), {})  # type: ignore[arg-type]


def embedded(vector: list[float], tokens: list[list[float]]) -> Decision:
    """The decision of a feature-extraction session."""
    return decided("feature-extraction", Embedding(np.array(vector), np.array(tokens)))


def labelled(problem_type: str | None, **scores: float) -> Decision:
    """The decision of a text-classification session whose labels have these scores."""
    labels = sorted((Label(name, score) for name, score in scores.items()), key=lambda label: -label.score)
    return decided("text-classification", tuple(labels), problem_type)
