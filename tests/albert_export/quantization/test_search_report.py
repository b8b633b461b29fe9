"""SearchReport: its tables, and how figures are written in them."""

from __future__ import annotations

from typing import Any

import pytest

from albert_export.quantization.accuracy_options import AccuracyBudget
from albert_export.quantization.recipes import Recipe
from albert_export.quantization.search_report import (
    HEADINGS,
    SearchReport,
    Trial,
    markdown_table,
    rows,
    text_table,
)
from tests.accuracy_reports import report_of


def test_tables() -> None:
    trials = [
        Trial(Recipe("one"), report_of(0.0), ("too far off",)),
        Trial(Recipe("two"), None, ("nothing new",)),
        Trial(Recipe("three"), report_of(99.5)),
    ]
    search = SearchReport(AccuracyBudget(), "a corpus", trials).to_dict()
    assert text_table(search).splitlines() == [
        "recipe  answers kept  output error  MB    ms",
        "one     0.0%          0.100         2.00  3.0  too far off",
        "two                                            nothing new",
        "three   99.5%         0.100         2.00  3.0  taken",
    ]
    lines = markdown_table(search)
    assert all(line.count("|") == len(HEADINGS) + 1 for line in lines)
    assert lines[-1] == "| three | 99.5% |  |  | 0.100 | 2.00 | 3.0 | taken |"


def test_a_report_as_json() -> None:
    search = SearchReport(AccuracyBudget(2, 0.5), "a corpus", [Trial(Recipe("two"), None, ("nothing new",))])
    assert search.to_dict() == {
        "budget": {"differing_answers": 2, "metric_drop": 0.5},
        "texts": "a corpus",
        "trials": [{"recipe": "two", "violations": ["nothing new"]}],
    }


def test_the_metric_is_shown_with_its_change() -> None:
    trial = Trial(Recipe("r"), report_of(99, metric="f1", score=80.0, drop=0.25))
    assert "f1 80.00 (-0.25)" in text_table(SearchReport(AccuracyBudget(), "a corpus", [trial]).to_dict())


@pytest.mark.parametrize(
    ("drop", "written"),
    [(0, "+0.00"), (0.0, "+0.00"), (0.004, "+0.00"), (-0.004, "+0.00"), (0.006, "-0.01"), (-1.5, "+1.50")],
)
def test_no_change_has_no_minus(drop: float, written: str) -> None:
    trial: dict[str, Any] = {
        "recipe": "one", "agreement": 99.0, "near_ties": 0, "metric": "f1", "score": 80.0, "drop": drop,
        "logit_error": 0.1, "bytes": 10**6, "milliseconds": 1.0, "violations": [],
    }  # fmt: skip
    ((_, _, _, metric, *_),) = rows({"trials": [trial]})
    assert metric == f"f1 80.00 ({written})"
