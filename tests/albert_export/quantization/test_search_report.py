"""The ladder as a table: how its figures are written."""

from __future__ import annotations

from typing import Any

import pytest

from albert_export.quantization.search_report import rows


@pytest.mark.parametrize(
    ("drop", "written"),
    [(0, "+0.00"), (0.0, "+0.00"), (0.004, "+0.00"), (-0.004, "+0.00"), (0.006, "-0.01"), (-1.5, "+1.50")],
)
def test_no_change_has_no_minus(drop: float, written: str) -> None:
    rung: dict[str, Any] = {
        "recipe": "one", "agreement": 99.0, "near_ties": 0, "metric": "f1", "score": 80.0, "drop": drop,
        "logit_error": 0.1, "bytes": 10**6, "milliseconds": 1.0, "objections": [],
    }  # fmt: skip
    ((_, _, _, metric, *_),) = rows({"ladder": [rung]})
    assert metric == f"f1 80.00 ({written})"
