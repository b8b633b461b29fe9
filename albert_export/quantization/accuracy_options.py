"""Fidelity: what a user says of the answers that a graph must keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albert_export.checkpoints import Checkpoint
from albert_export.quantization.budget import Budget
from albert_export.samples.requests import requests_from
from albert_export.samples.texts import Text, evaluation_corpus
from albert_runtime.errors import UsageError
from albert_runtime.tasks import Task

if TYPE_CHECKING:
    from albert_export.evaluation import Dataset

#: examples of labelled data, and texts of calibration data, that a graph is asked at each rung of the ladder
EXAMPLES = 500
_TEXTS = 100


@dataclass(frozen=True)
class Fidelity:
    """The budget, and what the answers are asked of."""

    budget: Budget = field(default_factory=Budget)
    #: a file of labelled examples; see `albert_export.evaluation`
    eval_data: Path | None = None
    #: of the user's calibration data
    texts: Sequence[Text] = ()

    def refuse_unused(self, precision: str) -> None:
        """Raises UsageError where `precision` has no use for what was given."""
        if precision == "fp32" and self.texts:
            raise UsageError(
                "calibration data is for the precisions that round: fp32 rounds nothing, and its answers are compared "
                "with the original's to the last; choose another --precision, or leave --calibration-data out"
            )

    def dataset(self, checkpoint: Checkpoint, task: Task) -> Dataset | None:
        """The labelled examples, if there are any; of a large file, some from all over.

        Raises:
            UsageError: the file is not good, or not for the model; the message lists all that is wrong.
            UnsupportedError: the task has no labelled data.
            DependencyError: the package that computes the metrics is missing.
        """
        if self.eval_data is None:
            return None
        from albert_export.evaluation import read_dataset

        labels, problem_type = checkpoint.labels_for(task.name), checkpoint.config.problem_type
        return read_dataset(self.eval_data, task, labels=labels, problem_type=problem_type).spread(EXAMPLES)

    def requests(self, task: Task) -> list[dict[str, Any]]:
        """What to ask without labelled data: of the bundled corpus, and of the user's own texts."""
        count = min(len(self.texts), _TEXTS)
        own = [self.texts[index * len(self.texts) // count] for index in range(count)]
        return [*requests_from(evaluation_corpus(), task), *(requests_from(own, task) if own else [])]

    def described(self) -> str:
        """What is asked, in words."""
        if self.eval_data is not None:
            return f"{self.eval_data.name}, at most {EXAMPLES} examples"
        return "the bundled corpus and the calibration data" if self.texts else "the bundled corpus"
