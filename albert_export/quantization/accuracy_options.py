"""AccuracyOptions: how many answers a quantized graph may lose, and which inputs this is measured on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albert_export.checkpoints import Checkpoint
from albert_export.samples.requests import requests_from
from albert_export.samples.sample_texts import ENGLISH_TEXTS, SampleTexts
from albert_export.samples.texts import Text
from albert_export.samples.token_ids import COMPARED_REQUESTS, DRAWN_IDS, id_requests, id_requests_from
from albert_export.utils.evenly_spaced import evenly_spaced
from albert_runtime.errors import UsageError
from albert_runtime.tasks import Task

if TYPE_CHECKING:
    from albert_export.evaluation import Dataset

#: the most examples of labelled data that every candidate graph is scored on
EXAMPLES = 500
#: the most texts of the user's calibration data that every candidate graph is asked
_MAX_TEXTS = 100


@dataclass(frozen=True)
class AccuracyBudget:
    """How much accuracy a quantized graph may lose, in points of 100 (percentage points)."""

    #: answers that may differ from the original's
    differing_answers: float = 1.0
    #: what the task's metric may fall by
    metric_drop: float = 0.5

    @classmethod
    def from_max_drop(cls, max_drop: float | None) -> AccuracyBudget:
        """The budget that `--max-drop` asks for: one number for both limits, or None for the defaults.

        Raises:
            UsageError: `max_drop` is not a number from 0 to 100.
        """
        if max_drop is None:
            return cls()
        if not (math.isfinite(max_drop) and 0 <= max_drop <= 100):
            raise UsageError(
                f"--max-drop {max_drop:g} is not a number of points from 0 to 100; 1 allows one answer of 100 to differ"
            )
        return cls(max_drop, max_drop)

    def __str__(self) -> str:
        return (
            f"{self.differing_answers:g} of 100 answers may differ, "
            f"and a metric may fall by {self.metric_drop:g} points"
        )

    def to_dict(self) -> dict[str, float]:
        """The budget as JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class AccuracyOptions:
    """The accuracy budget, and the data that the answers are measured on."""

    budget: AccuracyBudget = field(default_factory=AccuracyBudget)
    #: a file of labelled examples; see `albert_export.evaluation`
    eval_data: Path | None = None
    #: the user's own calibration texts; empty where the user gave none
    texts: Sequence[Text] = ()

    def refuse_unused(self, precision: str) -> None:
        """Raises UsageError if calibration texts were given and `precision` has no use for them."""
        if precision == "fp32" and self.texts:
            raise UsageError(
                "calibration data is for the precisions that round: fp32 rounds nothing, and its answers must equal "
                "the original's anyway; choose another --precision, or leave --calibration-data out"
            )

    def dataset(self, checkpoint: Checkpoint, task: Task) -> Dataset | None:
        """The labelled examples, or None if no file was given. A large file is sampled evenly.

        Raises:
            UsageError: the file is malformed or does not fit the model; the message lists all problems.
            UnsupportedError: the task has no labelled data.
            DependencyError: the package that computes the metrics is missing.
        """
        if self.eval_data is None:
            return None
        from albert_export.evaluation import read_dataset

        labels, problem_type = checkpoint.labels_for(task.name), checkpoint.config.problem_type
        return read_dataset(self.eval_data, task, labels=labels, problem_type=problem_type).spread(EXAMPLES)

    def refuse_without_tokenizer(self) -> None:
        """Raises UsageError if there are labelled examples, which are texts, and so no use without a tokenizer."""
        if self.eval_data is not None:
            raise UsageError(
                f"labelled examples are texts, and without a tokenizer the model takes none: leave --eval-data "
                f"{self.eval_data} out, or leave --no-tokenizer out"
            )

    def id_requests(self, task: Task, config: Mapping[str, Any], longest: int) -> list[dict[str, Any]]:
        """The same for a model without a tokenizer: ids drawn from the vocabulary of `config`, and the user's own.

        Sequences have at most `longest` tokens.

        Raises:
            UsageError: the user's own texts are no ids; the message lists them.
        """
        drawn = id_requests(config, task, COMPARED_REQUESTS, longest=longest)
        return [*drawn, *id_requests_from(self._own_texts(), config, task, longest=longest)]

    def _own_texts(self) -> list[Text]:
        return evenly_spaced(self.texts, _MAX_TEXTS)

    def requests(self, task: Task, samples: SampleTexts = ENGLISH_TEXTS) -> list[dict[str, Any]]:
        """The requests to compare answers on without labelled data: `samples` and the user's own texts.

        Samples that the vocabulary does not know are left out if there are own texts.
        """
        own = self._own_texts()
        requests = requests_from(own, task, samples.corpora[0].language)
        if own and samples.is_unknown:
            return requests
        bundled = [requests_from(texts, task, corpus.language) for corpus, texts in samples.evaluation]
        return [*itertools.chain.from_iterable(bundled), *requests]

    def describe_data(self, samples: SampleTexts = ENGLISH_TEXTS, *, has_tokenizer: bool = True) -> str:
        """The data that the answers are measured on, in words."""
        if not has_tokenizer:
            return f"{DRAWN_IDS}{' and the calibration data' if self.texts else ''}"
        if self.eval_data is not None:
            return f"{self.eval_data.name}, at most {EXAMPLES} examples"
        if not self.texts:
            return samples.description
        return "the calibration data" if samples.is_unknown else f"{samples.description} and the calibration data"
