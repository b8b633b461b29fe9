"""AccuracyCheck: compares the answers of each quantized graph with those of the float32 original."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from albert_export.evaluation.decisions import Decision, decide
from albert_export.evaluation.run_ahead import run_ahead, token_count
from albert_export.quantization.accuracy_options import AccuracyBudget
from albert_export.reference.cached_engine import CachedEngine
from albert_export.utils.schedule import Schedule
from albert_export.utils.terminal import Progress
from albert_export.utils.truncation_warnings import suppressed_truncation_warnings
from albert_export.verification.affordable import Stopwatch, affordable
from albert_export.verification.agreement import NEAR_TIE, differences, with_number_tolerance
from albert_export.verification.comparable_outputs import comparable_outputs
from albert_export.verification.parity_report import TIE_MARGINS
from albert_runtime import AlbertSession
from albert_runtime.errors import AccuracyError, BundleError, UsageError
from albert_runtime.self_test import request_arrays
from albert_runtime.tasks import INPUT_NAMES, SEQUENCE

if TYPE_CHECKING:
    from albert_export.evaluation import Dataset
    from albert_export.evaluation.datasets.example import Example

#: the seconds that the original may take for its answers. A model so large that all of them take longer is asked
#: fewer texts, but no fewer than these, of which one answer is 4 points
_SECONDS = 60.0
_FEWEST_TEXTS = 24
#: the texts that are timed to find that out: a single one, a pair and a paragraph of the bundled corpus
_TIMED_TEXTS = 3
#: the most labelled examples whose answers are compared; the metric is computed on all of them
_MAX_ANSWERED_EXAMPLES = 200
#: the number of requests whose raw outputs are compared
_LOGIT_REQUESTS = 16
#: tokens of the timed run
_TIMED_TOKENS = 128
_TIMED_RUNS = 5
#: the seconds after which no further run is timed
_TIMED_SECONDS = 5.0
#: slack in points when a figure is compared with the budget, since sums of shares are not exact
_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class AccuracyReport:
    """What one graph keeps of the original's answers. Shares, metrics and drops are in points of 100."""

    #: the number of texts that were compared; fewer than `all_texts` if the check ended early
    texts: int
    #: the number of texts that a graph within the budget is compared on
    all_texts: int
    #: the number of answers: one for each text, or for token classification one for each token
    answers: int
    #: the share of answers that are kept: equal to the original's, or different where the original is near a tie
    agreement: float
    #: how many of `answers` differ from the original's and count as kept only because the original is near a tie
    near_ties: int
    #: root mean square of the outputs' differences, relative to that of the original's outputs
    logit_error: float
    #: name and value of the task's metric on labelled data, and by how much the original's value is higher
    metric: str | None = None
    score: float | None = None
    drop: float | None = None
    #: size of the model file
    bytes: int
    #: time of one run with 128 tokens, or with as many as the model takes; the fastest of five runs
    milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types; an error that is not finite becomes null.

        There is "all_texts" only if not all of them were compared.
        """
        figures = {**asdict(self), "logit_error": self.logit_error if math.isfinite(self.logit_error) else None}
        if self.texts == self.all_texts:
            del figures["all_texts"]
        return figures


class AccuracyCheck:
    """Measures graphs against the original model, and says which of them violate the accuracy budget.

    Args:
        original: a session of the float32 reference, with the same settings as the graphs to be measured.
        requests: unlabelled requests to compare answers on. Those that are too long for the model are left out.
        dataset: labelled examples. If given, they replace `requests`, and the task's metric is computed on them.
        budget: how much accuracy a graph may lose.
        progress: called with a line about each step. A `Schedule` is told of the steps, with the models "original" and
            "graph".

    Raises:
        AccuracyError: every request is too long for the model, so nothing can be compared.
    """

    def __init__(
        self,
        original: AlbertSession,
        requests: Sequence[dict[str, Any]],
        *,
        budget: AccuracyBudget,
        dataset: Dataset | None = None,
        progress: Progress = lambda step: None,
    ) -> None:
        self.original = original
        self.budget = budget
        self._dataset = dataset
        self._schedule = Schedule.of(progress)
        if dataset is not None:
            requests = [example.request for example in dataset.spread(_MAX_ANSWERED_EXAMPLES).examples]
        #: that fewer requests than were given are compared, in words; empty if all of them are
        self.reduction = ""
        with suppressed_truncation_warnings():
            answered = self._answered(requests)
        fitting = [(request, decision) for request, decision in answered if decision is not None]
        decisions = with_number_tolerance([decision for _, decision in fitting])
        self._expected = [(request, decision) for (request, _), decision in zip(fitting, decisions, strict=True)]
        if not self._expected:
            raise AccuracyError(
                f"none of the {len(requests)} texts fits into {original.max_length} tokens, so nothing can be "
                "compared; give shorter ones with --calibration-data or --eval-data"
            )
        self._original_evaluation = None if dataset is None else self._evaluate(original, "original score")

    def _answered(self, requests: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], Decision | None]]:
        """The requests that are compared, with the original's answers: all of them, unless it is too slow for that."""
        line = "computing the original model's answers"
        tokens = [token_count(self.original, request) for request in requests]
        self._announce(tokens)
        left, watch, started = self._schedule.step("timing", line), Stopwatch(), time.perf_counter()
        # In batches, one thread computes each, so that the time does not depend on what else the machine does.
        asked = run_ahead(self.original, requests[:_TIMED_TEXTS], dict, left)
        timed = [(request, _decision(self.original, request)) for request in asked]
        pace = watch.seconds / max(1, len(timed))
        self._schedule.set_pace("original", time.perf_counter() - started, sum(tokens[:_TIMED_TEXTS]))
        chosen = affordable([pace] * len(timed), len(requests), seconds=_SECONDS, fewest=_FEWEST_TEXTS)
        if len(chosen) < len(requests):
            self.reduction = f"{len(chosen)} of {len(requests)} texts, as the original takes {pace:.1f} s for one"
            self._announce([tokens[index] for index in chosen])
        rest = [requests[index] for index in chosen[len(timed) :]]
        left = self._schedule.step("original", f"{line} to {self.reduction or f'{len(requests)} texts'}")
        asked = run_ahead(self.original, rest, dict, left)
        return [*timed, *((request, _decision(self.original, request)) for request in asked)]

    def _announce(self, tokens: Sequence[int]) -> None:
        """Tell the schedule what is to be run for texts of so many tokens: by the original, and then by the graph."""
        self._tokens = sum(tokens)
        examples = 0 if self._dataset is None else len(self._dataset.examples)
        #: the tokens of all labelled examples, by those whose answers are compared
        self._scored_tokens = self._tokens * examples // max(1, len(tokens))
        self._schedule.expect("timing", original=sum(tokens[:_TIMED_TEXTS]))
        self._schedule.expect("original", original=sum(tokens[_TIMED_TEXTS:]))
        self._schedule.expect("original score", original=self._scored_tokens)
        self._announce_graph()

    def _announce_graph(self) -> None:
        self._schedule.expect("answers", graph=self._tokens)
        self._schedule.expect("score", graph=self._scored_tokens)

    def measure(
        self, session: AlbertSession, model_file: Path, *, complete: bool = False, milliseconds: float | None = None
    ) -> AccuracyReport:
        """What the graph behind `session` keeps. A graph whose outputs are not finite keeps no answer.

        The check ends as soon as the answers exceed the budget whatever the answers to the remaining texts are, and
        the metric is then not computed. A graph within the budget is always compared on all texts, and any graph is if
        `complete` is true.

        `milliseconds` is the time of one run, as `run_time` returns it; None measures it.
        """
        self._announce_graph()
        with _remembering(session):
            try:
                with suppressed_truncation_warnings():
                    figures = self._answers(session, complete)
                    if figures["texts"] == len(self._expected):
                        figures |= self._metric(session)
            except BundleError:
                texts = len(self._expected)
                figures = {"texts": texts, "answers": texts, "agreement": 0.0, "near_ties": 0}
            error = self.logit_error(session)
        return AccuracyReport(
            **figures,
            all_texts=len(self._expected),
            logit_error=error,
            bytes=model_file.stat().st_size,
            milliseconds=run_time(session)[0] if milliseconds is None else milliseconds,
        )

    def logit_error(self, session: AlbertSession) -> float:
        """Root mean square of the outputs' differences, relative to the original's; infinite if not finite."""
        squares = np.zeros(2)
        try:
            with suppressed_truncation_warnings():
                for request, _ in self._expected[:_LOGIT_REQUESTS]:
                    got, expected = comparable_outputs(session, self.original, request_arrays(self.original, request))
                    for name, output in expected.items():
                        squares += np.square(got[name] - output).sum(), np.square(output).sum()
        except BundleError:
            return math.inf
        error = float(np.sqrt(squares[0] / squares[1])) if squares[1] else 0.0
        return error if math.isfinite(error) else math.inf

    def violations(self, report: AccuracyReport) -> list[str]:
        """Each way in which `report` exceeds the budget, in words; empty if it is within the budget."""
        reasons = []
        differing = 100 - report.agreement
        if self.budget.differing_answers == 0:  # a budget of 0 does not excuse near ties
            differing = _differing_with_near_ties(report)
        # written as "not <=" so that NaN is a violation too
        if not differing <= self.budget.differing_answers + _ROUNDING:
            early = f" in the first {report.texts} of {report.all_texts} texts, which ended the comparison"
            reasons.append(f"{differing:.1f}% of the answers differ{'' if report.texts == report.all_texts else early}")
        if not np.isfinite(report.logit_error):
            reasons.append("outputs that are not finite")
        if report.drop is not None and not report.drop <= self.budget.metric_drop + _ROUNDING:
            reasons.append(f"{report.metric} falls by {report.drop:.1f}")
        return reasons

    def relies_on_near_ties(self, report: AccuracyReport) -> bool:
        """Whether the differing answers exceed the budget once near ties are counted among them."""
        return _differing_with_near_ties(report) > self.budget.differing_answers + _ROUNDING

    def _answers(self, session: AlbertSession, complete: bool) -> dict[str, Any]:
        """Compare the answers, text by text; unless `complete`, only until it is certain that too many differ."""
        limit = min(TIE_MARGINS[session.manifest.precision], NEAR_TIE)
        texts = answers = different = ties = 0
        left = self._schedule.step("answers", f"comparing the answers to {len(self._expected)} texts")
        for request, expected in left.over(self._expected):
            of_text, of_text_different, of_text_ties = differences(expected, decide(session, request), limit)
            texts, answers = texts + 1, answers + of_text
            different, ties = different + of_text_different, ties + of_text_ties
            if not complete and self._exceeded(different, ties):
                break
        agreement = 100 * (1 - (different - ties) / answers) if answers else 100.0
        return {"texts": texts, "answers": answers, "agreement": agreement, "near_ties": ties}

    def _exceeded(self, different: int, ties: int) -> bool:
        """Whether the share of differing answers exceeds the budget even if all answers that follow are kept.

        `violations` then refuses the complete report too: it has at least as many differing answers, and at most
        `_most_answers` answers.
        """
        counted = different if self.budget.differing_answers == 0 else different - ties
        return 100 * counted / self._most_answers > self.budget.differing_answers + 2 * _ROUNDING

    @cached_property
    def _most_answers(self) -> int:
        """The number of answers in all texts; `differences` counts fewer where the two decide about other parts."""
        return sum(len(one.parts) if one.parts_are_answers and one.parts else 1 for _, one in self._expected)

    def _metric(self, session: AlbertSession) -> dict[str, Any]:
        if self._original_evaluation is None:
            return {}
        got = self._evaluate(session, "score")
        return {"metric": got.primary, "score": got.score, "drop": self._original_evaluation.score - got.score}

    def _evaluate(self, session: AlbertSession, step: str) -> Any:
        from albert_export.evaluation import evaluate

        assert self._dataset is not None
        left = self._schedule.step(step, f"evaluating {session.engine.name} on {self._dataset.file.name}")

        def track(examples: Sequence[Example]) -> Iterator[Example]:
            return run_ahead(session, examples, lambda example: example.request, left)

        return evaluate(session, self._dataset, track=track)


def _differing_with_near_ties(report: AccuracyReport) -> float:
    """The share of answers that differ from the original's, near ties included, in points of 100."""
    return 100 - report.agreement + 100 * report.near_ties / max(1, report.answers)


def _decision(session: AlbertSession, request: dict[str, Any]) -> Decision | None:
    """What `session` decides, or None if the request is too long for its model."""
    try:
        return decide(session, request)
    except UsageError:
        return None


@contextlib.contextmanager
def _remembering(session: AlbertSession) -> Iterator[None]:
    """Keeps outputs of the session within the block: those that give the first answers also give the output error."""
    engine = session.engine
    session.engine = CachedEngine(engine)
    try:
        yield
    finally:
        session.engine = engine


def run_time(session: AlbertSession) -> tuple[float, int]:
    """The milliseconds of the fastest of several runs, and the tokens of a run.

    The first run is not counted, because it may still prepare memory. A large model is run twice at least, until a few
    seconds have passed.
    """
    length = session.manifest.sequence_length or min(_TIMED_TOKENS, session.max_length)
    shape = [length if axis == SEQUENCE else 1 for axis in session.bundle.task.input_axes]
    # Token type 0 is the only one that every model has.
    arrays = {name: np.full(shape, name != "token_type_ids", np.int64) for name in INPUT_NAMES}
    times = []
    for _ in range(1 + _TIMED_RUNS):
        start = time.perf_counter()
        session.run(arrays)
        times.append(time.perf_counter() - start)
        if len(times) > 1 and sum(times) > _TIMED_SECONDS:
            break
    return 1000 * min(times[1:]), length
