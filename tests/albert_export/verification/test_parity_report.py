"""ParityReport: which differences pass, which fail, and how they are reported."""

from __future__ import annotations

import numpy as np
import pytest

from albert_export.export import ONNX_PRECISIONS
from albert_export.targets import PRECISIONS
from albert_export.verification.parity_report import RELATIVE_TOLERANCES, TIE_MARGINS, ParityReport, tolerance_for
from albert_runtime.errors import ParityError


def report(precision: str = "fp32") -> ParityReport:
    return ParityReport("bundle", "checkpoint", precision)


def test_nothing_compared_is_not_passed() -> None:
    assert not report().passed


def test_differences_are_absolute_and_largest() -> None:
    one = report()
    assert one.add_values("values", "logits", np.array([1.0, -2.0]), np.array([1.00005, -2.0]))
    assert one.max_difference == pytest.approx(5e-5)
    assert not one.add_values("values", "logits", np.array([1.0, -2.0]), np.array([1.0, -2.001]))
    assert one.max_difference == pytest.approx(1e-3)
    assert not one.passed


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_never_pass(value: float) -> None:
    one = report("fp16")
    assert not one.add_values("values", "logits", np.array([value]), np.array([1.0]))
    # a tolerance that grows with the largest value does not grow with an infinite one
    assert not one.add_values("values", "logits", np.array([1.0]), np.array([value]))


def test_tolerances_grow_with_the_largest_value() -> None:
    assert tolerance_for("fp32", 0.0) == tolerance_for("fp32", 10.0) == 1e-4
    assert tolerance_for("fp32", 50.0) == pytest.approx(5e-4)
    assert tolerance_for("fp16", 0.5) == RELATIVE_TOLERANCES["fp16"]
    assert tolerance_for("fp16", 50.0) == 50 * RELATIVE_TOLERANCES["fp16"]


def test_every_precision_has_its_tolerances() -> None:
    precisions = {*ONNX_PRECISIONS, *PRECISIONS}
    assert set(RELATIVE_TOLERANCES) == precisions - {"fp32"}
    assert set(TIE_MARGINS) == precisions


def test_the_error_shows_only_what_differs() -> None:
    one = report()
    one.add_equal("tokens", "token ids", True)
    one.add_values("values", "logits", np.zeros(3), np.full(3, 0.25))
    with pytest.raises(ParityError) as failure:
        one.raise_if_failed()
    assert "1 of 2 checks differ" in str(failure.value)
    assert "2.50e-01" in str(failure.value)
    assert "token ids" not in str(failure.value)


def test_the_summary_keeps_the_worst_of_each_kind() -> None:
    one = report()
    one.add_values("values", "a", np.zeros(1), np.full(1, 2e-5))
    one.add_values("values", "b", np.zeros(1), np.full(1, 1e-5))
    one.add_equal("answers", "decoded answers", True, "8 of 8 equal")
    assert one.summary() == {
        "passed": True,
        "max_difference": 2e-5,
        "checks": {
            "values": {"checks": 2, "passed": True, "max_difference": 2e-5, "tolerance": 1e-4},
            "answers": {"checks": 1, "passed": True, "detail": "8 of 8 equal"},
        },
    }


def test_the_table_is_aligned_whatever_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    one = report()
    one.add_equal("tokens", "token ids", True, "8 sentences")
    one.add_values("values", "logits", np.zeros(3), np.full(3, 0.25))
    assert one.table().splitlines() == [
        "check   of         difference  tolerance",
        "tokens  token ids                         ok 8 sentences",
        "values  logits     2.50e-01    1.00e-04   DIFFERS",
    ]
    assert one.table(failures_only=True).splitlines()[1:] == ["values  logits  2.50e-01    1.00e-04   DIFFERS"]
