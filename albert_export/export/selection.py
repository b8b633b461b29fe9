"""CandidateSelector: finds the first candidate graph that keeps the answers of the original model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from albert_export.export.candidates import Candidate, CandidateBuilder
from albert_export.export.context import ExportContext
from albert_export.quantization.accuracy import AccuracyCheck, AccuracyReport, run_time
from albert_export.quantization.accuracy_options import AccuracyOptions
from albert_export.quantization.recipe_search import search_recipes
from albert_export.quantization.recipes import Recipe, max_kept
from albert_export.quantization.search_report import SearchReport, text_table
from albert_export.reference.cached_engine import CachedEngine
from albert_export.reference.registry import reference_engine
from albert_export.utils.schedule import Schedule
from albert_export.verification.parity_report import ParityReport
from albert_export.verification.verify import Reference, compare, compared_tokens
from albert_runtime import AlbertSession
from albert_runtime.errors import AccuracyError
from albert_runtime.token_ids import padding_id

if TYPE_CHECKING:
    from albert_export.evaluation import Dataset


@dataclass(frozen=True)
class Selection:
    """The selected candidate, and what was measured to select it."""

    candidate: Candidate
    parity: ParityReport
    #: None for a float32 graph without labelled data, which needs no search
    search: SearchReport | None


class CandidateSelector:
    """Selects one of the candidates that a builder builds. It is the `CandidateSource` of the recipe search.

    Several precisions of a model share one selector: it asks the original once.

    Args:
        context: the model that is exported.
        options: the accuracy budget, and the data that the answers are measured on.
        dataset: the labelled examples of `options`, already read; None if there are none.
    """

    def __init__(self, context: ExportContext, options: AccuracyOptions, dataset: Dataset | None) -> None:
        self._builder: CandidateBuilder
        self._context = context
        self._options = options
        self._dataset = dataset
        self._original: Reference | None = None
        self._accuracy_check: AccuracyCheck | None = None
        self._schedule = Schedule.of(context.progress)
        #: the parity report of the latest candidate; None if its answers were outside the budget already
        self._parity: ParityReport | None = None

    def select(self, builder: CandidateBuilder) -> Selection:
        """Lets `builder` build candidates until one of them keeps the original's answers, and returns it.

        A float32 graph must give exactly the original's answers, so parity alone is checked and nothing is searched,
        unless there is labelled data to score it on.

        Raises:
            ParityError: a graph computes something else than the original.
            AccuracyError: no recipe keeps the answers within the budget; the message holds the table of all trials.
        """
        self._builder, self._parity = builder, None
        self._schedule.clear()
        precision = self._builder.exporter.precision
        if precision == "fp32" and self._dataset is None:
            candidate = self._builder.build(self._builder.recipes[0])
            parity = self._compare(candidate, answers=True)
            parity.raise_if_failed()
            return Selection(candidate, parity, None)
        described = self._options.describe_data(
            self._context.samples, has_tokenizer=self._context.tokenizer is not None
        )
        search = SearchReport(self._options.budget, described)
        best = search_recipes(self._builder.recipes, max_kept(precision), self, search, self._context.progress)
        if self._accuracy_check is not None and self._accuracy_check.reduction:
            search.texts += f": {self._accuracy_check.reduction}"
        if best is None:
            if self._parity is not None:
                self._parity.raise_if_failed()
            raise AccuracyError(self._refusal(search))
        assert self._parity is not None  # an accepted candidate has been compared
        return Selection(best, self._parity, search)

    # --- CandidateSource ----------------------------------------------------------------------------------------------

    def reason_to_skip(self, recipe: Recipe) -> str:
        """Why `recipe` would make the same graph as another recipe; empty if it makes a new one."""
        return self._builder.reason_to_skip(recipe)

    def build(self, recipe: Recipe) -> Candidate:
        """Builds the graph that `recipe` makes."""
        self._schedule.clear()  # what the try of a recipe takes is not known before its graph can be timed
        return self._builder.build(recipe)

    def measure(self, candidate: Candidate, *, complete: bool) -> AccuracyReport:
        """The accuracy, size and speed of the candidate; see `AccuracyCheck.measure`."""
        session, milliseconds = candidate.session, self._announce(candidate)
        check = self._check_for(candidate)
        return check.measure(session, candidate.model_file, complete=complete, milliseconds=milliseconds)

    def logit_error(self, candidate: Candidate) -> float:
        """The relative error of the candidate's outputs."""
        return self._check_for(candidate).logit_error(candidate.session)

    def violations(self, candidate: Candidate, report: AccuracyReport) -> list[str]:
        """The reasons why the candidate cannot be accepted: the budget first, and parity if the budget is kept."""
        violations = self._check_for(candidate).violations(report)
        self._parity = None
        if violations:
            self._schedule.clear()
        else:
            self._settle_outliers(candidate, report)
            self._schedule.begin("parity")
            # integers may turn single answers; the accuracy check has counted them on many more texts than parity has
            self._parity = self._compare(candidate, answers=candidate.graph.precision in ("fp32", "fp16"))
            failed = [check for check in self._parity.checks if not check.passed]
            if failed:
                first = f"{failed[0].name} of {failed[0].subject}"
                violations.append(f"{len(failed)} checks of parity differ, first: {first}")
                self._schedule.clear()
            self._schedule.condition = "if there are none"  # outlier channels, which nothing else is looked for after
        return violations

    def near_tie_warning(self, candidate: Candidate, report: AccuracyReport) -> str:
        """That the budget is kept only because near ties are excused, and that an outlier split is still to be tried.

        Many near ties that fall the other way are another sign of outlier channels.
        """
        if candidate.recipe.split or not self._check_for(candidate).relies_on_near_ties(report):
            return ""
        untried = any(not self.reason_to_skip(split) for split in self._splits_of(candidate))
        return "kept but for near ties; outlier channels can be split off" if untried else ""

    # ------------------------------------------------------------------------------------------------------------------

    def _splits_of(self, candidate: Candidate) -> list[Recipe]:
        return [one for one in self._builder.recipes if one.split and one.block == candidate.recipe.block]

    def _announce(self, candidate: Candidate) -> float:
        """Announces the steps of a try in which the recipe is taken; returns the milliseconds of a run of the graph."""
        schedule, session = self._schedule, candidate.session
        schedule.clear()
        several = len(self._builder.recipes) > 1 or max_kept(candidate.graph.precision)
        schedule.condition = "with this recipe" if several else ""
        milliseconds, tokens = run_time(session)
        schedule.set_pace("graph", milliseconds / 1000, tokens)
        longest = min(session.max_length, self._original_for(candidate).session.max_length)
        compared = compared_tokens(session, longest, self._context.samples)
        schedule.expect("parity", graph=compared, original=compared)
        if not candidate.recipe.split and self._splits_of(candidate):
            self._expect_outliers(optional=True)  # They are looked for only if near ties decide.
        return milliseconds

    def _settle_outliers(self, candidate: Candidate, report: AccuracyReport) -> None:
        """Tells the schedule whether outlier channels are looked for, now that the answers are known."""
        if not self._splits_of(candidate):
            return
        if candidate.recipe.split or not self._check_for(candidate).relies_on_near_ties(report):
            self._schedule.drop("outliers")
        else:
            self._expect_outliers(optional=False)

    def _expect_outliers(self, *, optional: bool) -> None:
        if tokens := self._builder.exporter.tokens_until_outliers:
            self._schedule.expect("outliers", original=tokens, optional=optional)

    def _compare(self, candidate: Candidate, *, answers: bool) -> ParityReport:
        original = self._original_for(candidate)
        report = compare(
            candidate.session,
            original,
            answers=answers,
            samples=self._context.samples,
            progress=self._context.progress,
        )
        report.artefact = candidate.description
        return report

    def _check_for(self, candidate: Candidate) -> AccuracyCheck:
        """The accuracy check. Every candidate has the same settings, so the first one serves to make it."""
        if self._accuracy_check is None:
            self._accuracy_check = AccuracyCheck(
                self._original_for(candidate).session,
                self._requests(candidate.session),
                budget=self._options.budget,
                dataset=self._dataset,
                progress=self._context.progress,
            )
        return self._accuracy_check

    def _requests(self, session: AlbertSession) -> list[dict[str, Any]]:
        task = self._context.task
        if self._context.tokenizer is None:
            return self._options.id_requests(task, session.bundle.config, session.max_length)
        return self._options.requests(task, self._context.samples)

    def _original_for(self, candidate: Candidate) -> Reference:
        """The original model behind a session with the settings of `candidate`, which all candidates share."""
        if self._original is None:
            context = self._context
            computing = reference_engine(context.reference, context.task, context.framework)
            pad_id = padding_id(context.checkpoint.config.to_dict())
            engine = CachedEngine(computing, task=context.task, pad_id=pad_id)
            self._original = Reference.of_checkpoint(context.checkpoint, candidate.session, engine, context.tokenizer)
        return self._original

    def _refusal(self, search: SearchReport) -> str:
        return (
            f"no recipe for {self._builder.exporter.precision} keeps the answers of "
            f"{self._context.checkpoint.folder} ({search.budget}), measured on {search.texts}:\n"
            f"{text_table(search.to_dict())}\n"
            "Nothing was written. Allow more with --max-drop, choose a precision that loses less, or see which layers "
            "are sensitive with albert-export sensitivity."
        )
