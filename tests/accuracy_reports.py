"""Accuracy reports with made-up figures, for tests that need no model."""

from __future__ import annotations

from typing import Any

from albert_export.quantization.accuracy import AccuracyReport


def report_of(agreement: float, **figures: Any) -> AccuracyReport:
    """A report of 100 answers with this agreement; `figures` replaces other fields."""
    known = {"texts": 100, "all_texts": 100, "answers": 100, "near_ties": 0, "logit_error": 0.1}
    known |= {"bytes": 2_000_000, "milliseconds": 3.0}
    return AccuracyReport(agreement=agreement, **{**known, **figures})
