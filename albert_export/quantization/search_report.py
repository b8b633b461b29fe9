"""The ladder as a table, for a terminal and for a model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    """Lines of text with aligned columns; columns that are empty throughout are left out."""
    table = [HEADINGS, *rows(ladder)]
    used = [column for column in range(len(HEADINGS)) if any(row[column] for row in table[1:])]
    widths = {column: max(len(row[column]) for row in table) for column in used}
    return "\n".join("  ".join(row[column].ljust(widths[column]) for column in used).rstrip() for row in table)


def markdown_table(ladder: Mapping[str, Any]) -> list[str]:
    """The same as Markdown."""
    lines = [f"| {' | '.join(row)} |" for row in (HEADINGS, *rows(ladder))]
    return [lines[0], "|---" * len(HEADINGS) + "|", *lines[1:]]
