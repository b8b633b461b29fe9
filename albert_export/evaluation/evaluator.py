"""`evaluate`: asks a session every example, and counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from albert_export.evaluation.datasets.example import Dataset, Kind
from albert_export.evaluation.metrics.registry import find_measure
from albert_runtime import AlbertSession
from albert_runtime.errors import UsageError
from albert_runtime.session import check_count

#: called with how many examples are done, and how many there are
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Evaluation:
    """What a model answered, and how well."""

    task: str
    kind: Kind
    #: metric -> percent
    metrics: dict[str, float]
    #: the metric that budgets are about
    primary: str
    #: of JSON types, one for each example that was asked; None for those that were left out of the metrics
    answers: list[Any]
    #: asking took so long, without loading
    seconds: float
    #: what computed, with its version
    engine: str

    @property
    def score(self) -> float:
        """The primary metric, in percent."""
        return self.metrics[self.primary]

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON types, without the answers."""
        return {
            "task": self.task,
            "format": self.kind,
            "examples": len(self.answers),
            "left_out": self.answers.count(None),
            "primary": self.primary,
            "metrics": self.metrics,
            "seconds": round(self.seconds, 3),
            "engine": self.engine,
        }


def evaluate(
    session: AlbertSession,
    dataset: Dataset,
    *,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Asks `session` the examples of `dataset`, one after the other.

    Args:
        session: of a bundle, or of a checkpoint's reference (`find_model(folder).open()`).
        dataset: what `read_dataset` gave for the session's task and labels.
        limit: only so many examples, the first ones of the file.
        progress: called with the examples that are done and those that are to be asked.

    Raises:
        UsageError: the dataset is for another task, or there is nothing in it that can be scored.
        BundleError: the model gives values that are not numbers.
    """
    if dataset.task != session.task:
        raise UsageError(f"{dataset.file} was read for {dataset.task}, and the model is for {session.task}")
    if limit is not None:
        check_count("limit", limit)
    measure = find_measure(dataset)
    examples = dataset.examples[:limit]
    answers = []
    started = time.perf_counter()
    for done, example in enumerate(examples, 1):
        answers.append(measure.answer(session, example))
        if progress is not None:
            progress(done, len(examples))
    seconds = time.perf_counter() - started
    scored = [index for index, answer in enumerate(answers) if answer is not None]
    if not scored:
        raise UsageError(
            f"nothing in {dataset.file} can be scored: of {len(answers):,} masked words none is one piece of the "
            f"model's vocabulary, in a text of at most {session.max_length} tokens; give other sentences, or more"
        )
    metrics = measure.metrics([examples[index] for index in scored], [answers[index] for index in scored])
    engine = f"{session.engine.name} {session.engine.version}"
    return Evaluation(session.task, dataset.kind, metrics, measure.primary, answers, seconds, engine)
