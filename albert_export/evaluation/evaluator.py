"""evaluate: runs a session on every example of a dataset, and computes the metrics of the answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from albert_export.evaluation.datasets.example import Dataset, Example, Kind
from albert_export.evaluation.metrics.registry import find_measure
from albert_runtime import AlbertSession
from albert_runtime.errors import UsageError
from albert_runtime.session import check_count


@dataclass(frozen=True)
class Evaluation:
    """The answers of a model to a dataset, and their metrics."""

    task: str
    kind: Kind
    #: name of the metric -> its value in percent
    metrics: dict[str, float]
    #: the metric that accuracy budgets refer to
    primary: str
    #: an answer of JSON types for each example that was run; None for examples that are left out of the metrics
    answers: list[Any]
    #: time for all examples, without the time to load the model
    seconds: float
    #: name and version of the engine
    engine: str

    @property
    def score(self) -> float:
        """The value of the primary metric, in percent."""
        return self.metrics[self.primary]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON types, without the answers."""
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
    track: Callable[[Sequence[Example]], Iterable[Example]] = iter,
) -> Evaluation:
    """Run `session` on the examples of `dataset`, one after the other, and compute the metrics.

    Args:
        session: a session of a bundle or of a checkpoint's reference model, as `find_model(folder).open()` returns it.
        dataset: the dataset that `read_dataset` returned for the session's task and labels.
        limit: use only so many examples, the first ones of the file; None means all of them.
        track: wraps the examples for the loop, to show the progress, such as `rich.progress.track`.

    Raises:
        UsageError: the dataset is for another task, `limit` is below 1, or no example can be scored.
        BundleError: the outputs of the model are not finite.
    """
    if dataset.task != session.task:
        raise UsageError(f"{dataset.file} was read for {dataset.task}, and the model is for {session.task}")
    if limit is not None:
        check_count("limit", limit)
    measure = find_measure(dataset)
    examples = dataset.examples[:limit]
    started = time.perf_counter()
    answers = [measure.answer(session, example) for example in track(examples)]
    seconds = time.perf_counter() - started
    scored = [index for index, answer in enumerate(answers) if answer is not None]
    if not scored:
        raise UsageError(
            f"nothing in {dataset.file} can be scored: of {len(answers):,} masked words, none is one piece of the "
            f"model's vocabulary in a text of at most {session.max_length} tokens; give more or other sentences"
        )
    metrics = measure.metrics([examples[index] for index in scored], [answers[index] for index in scored])
    answers = [None if answer is None else measure.reported(answer) for answer in answers]
    engine = f"{session.engine.name} {session.engine.version}"
    return Evaluation(session.task, dataset.kind, metrics, measure.primary, answers, seconds, engine)
