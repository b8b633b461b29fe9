"""Gate: asks the original once, then measures how far each quantized graph falls behind it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from albert_export.evaluation.decisions import Decision, decide
from albert_export.quantization.budget import Budget
from albert_export.utils.terminal import Progress
from albert_export.verification.agreement import NEAR_TIE, differences, with_number_tolerance
from albert_export.verification.parity_report import TIE_MARGINS
from albert_export.verification.verify import comparable_outputs, suppressed_truncation_warnings
from albert_runtime import AlbertSession
from albert_runtime.errors import AccuracyError, BundleError, UsageError
from albert_runtime.tasks import INPUT_NAMES, SEQUENCE

if TYPE_CHECKING:
    from albert_export.evaluation import Dataset

#: labelled examples whose answers are compared; the metric is of more
_ASKED = 200
#: requests whose outputs are compared as numbers
_COMPARED = 16
#: tokens of the timed run
_TIMED_TOKENS = 128
_TIMED_RUNS = 5


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one graph keeps. Shares, metrics and drops are in points of 100."""

    texts: int
    #: one for each text, or for token classification one for each token
    answers: int
    #: answers kept: equal to the original's, or a near tie of the original's own
    agreement: float
    #: how many of `answers` are near ties that fell the other way
    near_ties: int
    #: root mean square of the outputs' differences, over that of the outputs
    logit_error: float
    #: name and value of the task's metric on labelled data, and what the original has more
    metric: str | None = None
    score: float | None = None
    drop: float | None = None
    bytes: int
    #: one run of 128 tokens, or as many as the model takes; the best of five
    milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types; an error without bounds is null."""
        return {**asdict(self), "logit_error": self.logit_error if math.isfinite(self.logit_error) else None}


class Gate:
    """Holds graphs against the original within a budget.

    Args:
        original: a session of the float32 reference, with the settings of the graphs to come.
        requests: what to ask, without labels; those that the model is too short for are left out.
        dataset: labelled examples; they are asked instead of `requests`, and scored.
        budget: what may be lost.
        progress: called with a line about what is being done.

    Raises:
        AccuracyError: there is nothing that the model could be asked.
    """

    def __init__(
        self,
        original: AlbertSession,
        requests: Sequence[dict[str, Any]],
        *,
        budget: Budget,
        dataset: Dataset | None = None,
        progress: Progress = lambda step: None,
    ) -> None:
        self.original = original
        self.budget = budget
        self._dataset = dataset
        self._progress = progress
        progress("asking the original")
        if dataset is not None:
            requests = [example.request for example in dataset.spread(_ASKED).examples]
        with suppressed_truncation_warnings():
            asked = [(request, _decision(original, request)) for request in requests]
        known = [(request, decision) for request, decision in asked if decision is not None]
        decisions = with_number_tolerance([decision for _, decision in known])
        self._asked = [(request, decision) for (request, _), decision in zip(known, decisions, strict=True)]
        if not self._asked:
            raise AccuracyError(
                f"none of the {len(requests)} texts fits into {original.max_length} tokens, so nothing can be "
                "compared; give shorter ones with --calibration-data or --eval-data"
            )
        self._expected = None if dataset is None else self._evaluate(original)

    def measure(self, session: AlbertSession, model_file: Path) -> Measured:
        """What the graph behind `session` keeps; nothing, if it gives values that are not numbers."""
        try:
            with suppressed_truncation_warnings():
                figures = {**self._answers(session), **self._metric(session)}
        except BundleError:
            texts = len(self._asked)
            figures = {"texts": texts, "answers": texts, "agreement": 0.0, "near_ties": 0}
        return Measured(
            **figures,
            logit_error=self.logit_error(session),
            bytes=model_file.stat().st_size,
            milliseconds=_milliseconds(session),
        )

    def logit_error(self, session: AlbertSession) -> float:
        """Root mean square of the outputs' differences over that of the original's; infinite for no numbers."""
        squares = np.zeros(2)
        try:
            with suppressed_truncation_warnings():
                for request, _ in self._asked[:_COMPARED]:
                    got, expected = comparable_outputs(session, self.original, self.original.arrays(**request))
                    for name, output in expected.items():
                        squares += np.square(got[name] - output).sum(), np.square(output).sum()
        except BundleError:
            return math.inf
        error = float(np.sqrt(squares[0] / squares[1])) if squares[1] else 0.0
        return error if math.isfinite(error) else math.inf

    def objections(self, measured: Measured) -> list[str]:
        """Why `measured` is outside the budget; empty where it is not."""
        reasons = []
        differing = 100 - measured.agreement
        if self.budget.differing == 0:  # then near ties are differences like any other
            differing = _differing_with_ties(measured)
        if not differing <= self.budget.differing + _ROUNDING:  # NaN objects too
            reasons.append(f"{differing:.1f}% of the answers differ")
        if not np.isfinite(measured.logit_error):
            reasons.append("outputs that are not finite")
        if measured.drop is not None and not measured.drop <= self.budget.metric + _ROUNDING:
            reasons.append(f"{measured.metric} falls by {measured.drop:.1f}")
        return reasons

    def leans_on_ties(self, measured: Measured) -> bool:
        """Whether more answers differ than may, if near ties count."""
        return _differing_with_ties(measured) > self.budget.differing + _ROUNDING

    def _answers(self, session: AlbertSession) -> dict[str, Any]:
        self._progress(f"asking {len(self._asked)} texts")
        limit = min(TIE_MARGINS[session.manifest.precision], NEAR_TIE)
        counts = [differences(expected, decide(session, request), limit) for request, expected in self._asked]
        answers, different, ties = (sum(column) for column in zip(*counts, strict=True))
        agreement = 100 * (1 - (different - ties) / answers) if answers else 100.0
        return {"texts": len(counts), "answers": answers, "agreement": agreement, "near_ties": ties}

    def _metric(self, session: AlbertSession) -> dict[str, Any]:
        if self._expected is None:
            return {}
        got = self._evaluate(session)
        return {"metric": got.primary, "score": got.score, "drop": self._expected.score - got.score}

    def _evaluate(self, session: AlbertSession) -> Any:
        from albert_export.evaluation import evaluate

        assert self._dataset is not None
        self._progress(f"evaluating {session.engine.name} on {self._dataset.file.name}")
        return evaluate(session, self._dataset)


#: points; sums of shares are not exact
_ROUNDING = 1e-6


def _differing_with_ties(measured: Measured) -> float:
    """Points of answers that differ, near ties or not."""
    return 100 - measured.agreement + 100 * measured.near_ties / max(1, measured.answers)


def _decision(session: AlbertSession, request: dict[str, Any]) -> Decision | None:
    """What `session` decides; None where the request is too long for its model."""
    try:
        return decide(session, request)
    except UsageError:
        return None


def _milliseconds(session: AlbertSession) -> float:
    length = session.manifest.sequence_length or min(_TIMED_TOKENS, session.max_length)
    shape = [length if axis == SEQUENCE else 1 for axis in session.bundle.task.input_axes]
    arrays = {name: np.ones(shape, np.int64) for name in INPUT_NAMES}
    times = []
    for _ in range(1 + _TIMED_RUNS):
        start = time.perf_counter()
        session.run(arrays)
        times.append(time.perf_counter() - start)
    return 1000 * min(times[1:])
