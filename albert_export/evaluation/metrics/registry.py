"""Measure: how a session answers the examples of one kind of dataset, and which metrics the answers get."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from albert_converters.extras import needing
from albert_export.evaluation.datasets.example import Example, Kind
from albert_export.evaluation.decisions import decide
from albert_export.evaluation.metrics.classification import label_scores, multi_label_scores, value_scores
from albert_export.evaluation.metrics.masked_words import fill_masked, judge_masked, mask_scores, order_scores
from albert_export.evaluation.metrics.squad import answer_always, answer_or_not, squad_1_scores, squad_2_scores
from albert_export.evaluation.metrics.tagging import tag_scores, tag_words
from albert_runtime import AlbertSession


@dataclass(frozen=True)
class Measure:
    """How to evaluate one kind of dataset."""

    #: the metric that accuracy budgets refer to
    primary: str
    #: returns the answer to an example, as JSON types; None leaves the example out
    answer: Callable[[AlbertSession, Example], Any]
    #: returns the metrics, in percent, of examples and their answers, none of which is None
    metrics: Callable[[Sequence[Example], Sequence[Any]], dict[str, float]]
    #: the module that computes the metrics; None if numpy is enough
    needs: str | None = None

    def require(self) -> None:
        """Raise a DependencyError if the module that computes the metrics can't be imported."""
        if self.needs is None:
            return
        with needing(f"this evaluation needs {self.needs}", "evaluate"):
            importlib.import_module(self.needs)


def _decided(session: AlbertSession, example: Example) -> Any:
    return decide(session, example.request).answer


def _decided_set(session: AlbertSession, example: Example) -> list[str]:
    return sorted(decide(session, example.request).answer)


def _value(session: AlbertSession, example: Example) -> float:
    return float(session(**example.request)[0].score)


def _choice_scores(examples: Sequence[Example], answers: Sequence[int]) -> dict[str, float]:
    right = sum(answer == example.expected for example, answer in zip(examples, answers, strict=True))
    return {"accuracy": 100 * right / len(answers)}


MEASURES: dict[Kind, Measure] = {
    "SQuAD v1.1": Measure("f1", answer_always, squad_1_scores),
    "SQuAD v2.0": Measure("f1", answer_or_not, squad_2_scores),
    "labels": Measure("accuracy", _decided, label_scores, "sklearn"),
    "several labels": Measure("accuracy", _decided_set, multi_label_scores, "sklearn"),
    "values": Measure("pearson", _value, value_scores),
    "tags": Measure("f1", tag_words, tag_scores, "seqeval"),
    "choices": Measure("accuracy", _decided, _choice_scores),
    "masks": Measure("accuracy", fill_masked, mask_scores),
    "masks and order": Measure("order_accuracy", judge_masked, order_scores),
}
