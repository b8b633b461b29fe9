"""SearchReport: the recipes that were tried and what each of them kept, with tables for a terminal and a model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from albert_export.quantization.accuracy import AccuracyReport
from albert_export.quantization.accuracy_options import AccuracyBudget
from albert_export.quantization.recipes import Recipe
from albert_export.utils.text_table import render_markdown_table, render_table

HEADINGS = ("recipe", "answers kept", "near ties", "metric", "output error", "MB", "ms", "")


@dataclass(frozen=True)
class Trial:
    """One recipe and its result."""

    recipe: Recipe
    #: None if the recipe was skipped
    accuracy: AccuracyReport | None
    #: why the candidate was not accepted, or why the recipe was skipped; empty for the accepted candidate
    violations: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The trial as JSON types; without figures if the recipe was skipped."""
        figures = {} if self.accuracy is None else self.accuracy.to_dict()
        return {"recipe": self.recipe.name, **figures, "violations": list(self.violations)}


@dataclass
class SearchReport:
    """The trials of a recipe search in their order. If the last trial has no violations, its recipe was taken."""

    budget: AccuracyBudget
    #: the data that the answers were measured on, in words
    texts: str
    trials: list[Trial] = field(default_factory=list)

    @property
    def taken(self) -> Trial | None:
        """The trial whose candidate was accepted, or None if there is none."""
        return self.trials[-1] if self.trials and not self.trials[-1].violations else None

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON types, as a manifest keeps it under `recipe_search`."""
        return {
            "budget": self.budget.to_dict(),
            "texts": self.texts,
            "trials": [trial.to_dict() for trial in self.trials],
        }


def rows(search: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row of cells under `HEADINGS` for each trial of `SearchReport.to_dict()`."""
    return [_row(trial) for trial in search["trials"]]


def _row(trial: Mapping[str, Any]) -> tuple[str, ...]:
    verdict = "; ".join(trial["violations"]) or "taken"
    if "agreement" not in trial:
        return (trial["recipe"], *[""] * 6, verdict)
    metric = "" if trial["metric"] is None else f"{trial['metric']} {trial['score']:.2f} ({_change(trial):+.2f})"
    return (
        trial["recipe"],
        f"{trial['agreement']:.1f}%",
        str(trial["near_ties"] or ""),
        metric,
        "not finite" if trial["logit_error"] is None else f"{trial['logit_error']:.3f}",
        f"{trial['bytes'] / 1e6:.2f}",
        f"{trial['milliseconds']:.1f}",
        verdict,
    )


def _change(trial: Mapping[str, Any]) -> float:
    return round(-float(trial["drop"]), 2) + 0.0  # adding 0.0 turns -0.0 into 0.0, which is printed as +0.00


def text_table(search: Mapping[str, Any]) -> str:
    """Return the table as aligned lines of text, without the columns that are empty in every row."""
    table = rows(search)
    used = [column for column in range(len(HEADINGS)) if any(row[column] for row in table)]
    return render_table([[row[column] for column in used] for row in table], [HEADINGS[column] for column in used])


def markdown_table(search: Mapping[str, Any]) -> list[str]:
    """Return the lines of the table in Markdown, with all columns."""
    return render_markdown_table(rows(search), HEADINGS).splitlines()
