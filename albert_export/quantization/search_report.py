"""The ladder as a table, for a terminal and for a model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from albert_export.utils.text_table import render_markdown_table, render_table

HEADINGS = ("recipe", "answers kept", "near ties", "metric", "output error", "MB", "ms", "")


def rows(ladder: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row of `HEADINGS` for each rung of `Climb.to_dict()`."""
    return [_row(rung) for rung in ladder["ladder"]]


def _row(rung: Mapping[str, Any]) -> tuple[str, ...]:
    verdict = "; ".join(rung["objections"]) or "taken"
    if "agreement" not in rung:
        return (rung["recipe"], *[""] * 6, verdict)
    metric = "" if rung["metric"] is None else f"{rung['metric']} {rung['score']:.2f} ({_change(rung):+.2f})"
    return (
        rung["recipe"],
        f"{rung['agreement']:.1f}%",
        str(rung["near_ties"] or ""),
        metric,
        "no numbers" if rung["logit_error"] is None else f"{rung['logit_error']:.3f}",
        f"{rung['bytes'] / 1e6:.2f}",
        f"{rung['milliseconds']:.1f}",
        verdict,
    )


def _change(rung: Mapping[str, Any]) -> float:
    return round(-float(rung["drop"]), 2) + 0.0  # a sum with 0 has no sign: +0.00


def text_table(ladder: Mapping[str, Any]) -> str:
    """Return the table as aligned lines of text, without the columns that are empty in every row."""
    table = rows(ladder)
    used = [column for column in range(len(HEADINGS)) if any(row[column] for row in table)]
    return render_table([[row[column] for column in used] for row in table], [HEADINGS[column] for column in used])


def markdown_table(ladder: Mapping[str, Any]) -> list[str]:
    """Return the lines of the table in Markdown, with all columns."""
    return render_markdown_table(rows(ladder), HEADINGS).splitlines()
