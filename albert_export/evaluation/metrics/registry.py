"""Measure: how a session answers the examples of one kind of dataset, and which metrics the answers get."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from albert_converters.extras import needing
from albert_export.evaluation.datasets.example import Dataset, Example
from albert_export.evaluation.decisions import decide
from albert_export.evaluation.metrics.classification import label_scores, multi_label_scores, value_scores
from albert_export.evaluation.metrics.masked_words import fill_masked, judge_masked, mask_scores, order_scores
from albert_export.evaluation.metrics.squad import answer_always, answer_or_not, squad_1_scores, squad_2_scores
from albert_export.evaluation.metrics.tagging import tag_scores, tag_words
from albert_export.tasks import TASK_SPECS
from albert_runtime import AlbertSession
from albert_runtime.errors import UnsupportedError
from albert_runtime.lazy_import import load_object


@dataclass(frozen=True)
class Measure:
    """How to evaluate one kind of dataset."""

    #: the metric that accuracy budgets refer to
    primary: str
    #: returns the answer to an example; None leaves the example out
    answer: Callable[[AlbertSession, Example], Any]
    #: returns the metrics, in percent, of examples and their answers, none of which is None
    metrics: Callable[[Sequence[Example], Sequence[Any]], dict[str, float]]
    #: the module that computes the metrics; None if numpy is enough
    needs: str | None = None
    #: returns an answer as it is reported, as JSON types
    reported: Callable[[Any], Any] = lambda answer: answer

    def require(self) -> None:
        """Raise a DependencyError if the module that computes the metrics can't be imported."""
        if self.needs is None:
            return
        with needing(f"this evaluation needs {self.needs}", "evaluate"):
            importlib.import_module(self.needs)


def find_measure(dataset: Dataset) -> Measure:
    """Return the measure for the examples of `dataset`.

    Raises:
        UnsupportedError: the dataset is for a task without labelled examples.
    """
    data = TASK_SPECS[dataset.task].labelled_data
    if data is None:
        raise UnsupportedError(f"{dataset.task} has no labelled examples, so there is nothing to measure")
    measure: Measure = load_object(data.measures[dataset.kind])
    return measure


def _decided(session: AlbertSession, example: Example) -> Any:
    return decide(session, example.request).answer


def _decided_set(session: AlbertSession, example: Example) -> list[str]:
    return sorted(decide(session, example.request).answer)


def _value(session: AlbertSession, example: Example) -> float:
    return float(decide(session, example.request).answer[0])


def _choice_scores(examples: Sequence[Example], answers: Sequence[int]) -> dict[str, float]:
    right = sum(answer == example.expected for example, answer in zip(examples, answers, strict=True))
    return {"accuracy": 100 * right / len(answers)}


SQUAD_1 = Measure("f1", answer_always, squad_1_scores)
SQUAD_2 = Measure("f1", answer_or_not, squad_2_scores, reported=attrgetter("text"))
LABELS = Measure("accuracy", _decided, label_scores, "sklearn")
SEVERAL_LABELS = Measure("accuracy", _decided_set, multi_label_scores, "sklearn")
VALUES = Measure("pearson", _value, value_scores)
TAGS = Measure("f1", tag_words, tag_scores, "seqeval")
CHOICES = Measure("accuracy", _decided, _choice_scores)
MASKS = Measure("accuracy", fill_masked, mask_scores)
MASKS_AND_ORDER = Measure("order_accuracy", judge_masked, order_scores)
