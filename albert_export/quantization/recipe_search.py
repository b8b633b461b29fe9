"""The recipe search: recipes are tried one after another until a graph keeps its answers within the budget."""

from __future__ import annotations

from itertools import chain
from typing import Protocol, TypeVar

from albert_export.quantization.accuracy import AccuracyReport
from albert_export.quantization.recipes import MATRICES, Recipe
from albert_export.quantization.search_report import SearchReport, Trial
from albert_export.utils.terminal import Progress

CandidateT = TypeVar("CandidateT")


class CandidateSource(Protocol[CandidateT]):
    """What the search needs from an export: it builds candidate graphs by a recipe, and measures them."""

    def reason_to_skip(self, recipe: Recipe) -> str:
        """Why the recipe would give the same graph as an earlier one; empty if it gives a new one."""
        ...

    def build(self, recipe: Recipe) -> CandidateT:
        """The graph that `recipe` makes, ready to run."""
        ...

    def measure(self, candidate: CandidateT, *, complete: bool) -> AccuracyReport:
        """The accuracy, size and speed of the candidate.

        Unless it must be `complete`, it may end as soon as it is certain that the candidate can't be accepted.
        """
        ...

    def logit_error(self, candidate: CandidateT) -> float:
        """The relative error of the candidate's outputs. This is faster than `measure`."""
        ...

    def violations(self, candidate: CandidateT, report: AccuracyReport) -> list[str]:
        """The reasons why the candidate cannot be accepted; empty if it can."""
        ...

    def near_tie_warning(self, candidate: CandidateT, report: AccuracyReport) -> str:
        """Why a later recipe is preferable to this candidate, which has no violations; empty if none is."""
        ...


def search_recipes(
    recipes: tuple[Recipe, ...],
    max_kept: int,
    source: CandidateSource[CandidateT],
    report: SearchReport,
    progress: Progress,
) -> CandidateT | None:
    """Builds a candidate by each of `recipes` in turn, and returns the first one without violations.

    The first candidate without violations that has a near-tie warning is set aside. If no later recipe succeeds, it is
    built again and returned. If every recipe fails, the last one is tried with 1 to `max_kept` of its most sensitive
    matrices in higher precision. The last candidate of all is measured completely even if it fails, so that the user
    learns what can be reached.

    Args:
        recipes: the recipes in the order to try them.
        max_kept: how many matrices may stay in higher precision; 0 ends the search after `recipes`.
        source: builds and measures the candidates.
        report: gets a `Trial` for each recipe.
        progress: called with a line about each step.

    Returns:
        The accepted candidate, or None if every recipe failed.
    """
    set_aside: list[Recipe] = []
    #: what was measured of the candidate that is set aside; the same recipe makes the same graph again
    measured: dict[Recipe, AccuracyReport] = {}

    def try_recipe(recipe: Recipe, *, last: bool = False) -> CandidateT | None:
        reason = source.reason_to_skip(recipe)
        if reason:
            report.trials.append(Trial(recipe, None, (reason,)))
            return None
        progress(f"trying the recipe {recipe.name}")
        candidate = source.build(recipe)
        accuracy = measured.get(recipe) or source.measure(candidate, complete=last)
        violations = source.violations(candidate, accuracy)
        warning = "" if violations or set_aside else source.near_tie_warning(candidate, accuracy)
        if warning:
            set_aside.append(recipe)
            measured[recipe] = accuracy
            violations = [warning]
        report.trials.append(Trial(recipe, accuracy, tuple(violations)))
        return None if violations else candidate

    for recipe in chain(recipes, set_aside):  # `set_aside` is read last, when it is complete
        candidate = try_recipe(recipe, last=not max_kept and recipe == recipes[-1])
        if candidate is not None:
            return candidate
    if not max_kept:
        return None
    last = next(trial.recipe for trial in reversed(report.trials) if trial.accuracy)
    ranking = _most_sensitive_first(last, source, progress)
    for count in range(1, max_kept + 1):
        candidate = try_recipe(last.keeping(*ranking[:count]), last=count == max_kept)
        if candidate is not None:
            return candidate
    return None


def _most_sensitive_first(recipe: Recipe, source: CandidateSource[CandidateT], progress: Progress) -> list[str]:
    """`MATRICES`, beginning with the one that reduces the error most when it stays in higher precision."""
    errors = {}
    for matrix in MATRICES:
        progress(f"measuring how sensitive {matrix} is")
        errors[matrix] = source.logit_error(source.build(recipe.keeping(matrix)))
    return sorted(errors, key=lambda matrix: errors[matrix])
