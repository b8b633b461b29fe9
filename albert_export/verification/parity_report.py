"""ParityReport: what was compared with the original, how large the differences are, and which are allowed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.utils.text_table import render_table
from albert_runtime.errors import ParityError

#: The largest absolute difference allowed for an fp32 output. ONNX Runtime and PyTorch sum in different orders; over 12
#: to 24 passes this adds up to about 1e-5 of the largest value. Only outputs with values above 10 are allowed more.
FP32_TOLERANCE = 1e-4
FP32_RELATIVE_TOLERANCE = 1e-5
#: Outputs of other precisions may differ by this share of the output's largest value. fp16 keeps 11 bits, so each
#: operation has a rounding error of up to 2**-11 of its value, and the errors of all passes add up. Integer precisions
#: have no such bound: the demo checkpoints show at most 0.05 for int8, 0.30 for int8-static and 0.24 for int4. These
#: tolerances only separate a working graph from a broken one; the decoded answers show whether it is accurate enough.
RELATIVE_TOLERANCES = {"fp16": 0.02, "int8": 0.15, "int8-static": 0.5, "int4": 0.5}
#: An answer may differ if the original's best and second best answers have probabilities that differ by no more than
#: this: then the original itself is undecided, and either answer is accepted. For fp32 and fp16 this is twice the
#: tolerance of a value of 1.
TIE_MARGINS = {"fp32": 2 * FP32_TOLERANCE, "fp16": 0.04, "int8": 0.1, "int8-static": 0.2, "int4": 0.2}
#: Factor on the tolerance of a self-test, since other processors and engine versions may differ from the machine of the
#: export by more than the order of summation explains.
_SELF_TEST_SLACK = 10


def tolerance_for(precision: str, largest: float) -> float:
    """Return the largest difference allowed for an output whose largest absolute value is `largest`."""
    if precision == "fp32":
        return max(FP32_TOLERANCE, FP32_RELATIVE_TOLERANCE * largest)
    return RELATIVE_TOLERANCES[precision] * max(1.0, largest)


def self_test_tolerance(precision: str, largest: float) -> float:
    """Return how much the outputs of a file on another machine may differ from those on the machine of the export."""
    slack = _SELF_TEST_SLACK if precision in ("fp32", "fp16") else 1
    return slack * tolerance_for(precision, largest)


@dataclass(frozen=True)
class Check:
    """One comparison. `difference` and `tolerance` are None where only equality was checked."""

    name: str
    subject: str
    passed: bool
    difference: float | None = None
    tolerance: float | None = None
    detail: str = ""


@dataclass
class ParityReport:
    """All comparisons of one artefact with its original, in the order in which they were made."""

    #: names of the bundle and of the checkpoint or bundle that it is compared with
    artefact: str
    original: str
    precision: str
    checks: list[Check] = field(default_factory=list)
    #: what is usually checked and was not, in words, because the model is large; empty if nothing was left out
    left_out: str = ""

    @property
    def passed(self) -> bool:
        """Whether there are checks and all of them passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def max_difference(self) -> float:
        """The largest absolute difference of any value."""
        return max((check.difference for check in self.checks if check.difference is not None), default=0.0)

    def add_equal(self, name: str, subject: str, passed: bool, detail: str = "") -> bool:
        """Record a check for equality, and return whether it passed."""
        self.checks.append(Check(name, subject, passed, detail=detail))
        return passed

    def add_values(self, name: str, subject: str, got: NDArray[Any], expected: NDArray[Any]) -> bool:
        """Record the largest difference of two arrays of the same shape, and return whether it is within the tolerance.

        NaN and infinite values never pass.
        """
        largest = float(np.abs(expected).max(initial=0.0))
        tolerance = tolerance_for(self.precision, largest)
        difference = float(np.abs(got - expected).max(initial=0.0))
        passed = bool(np.isfinite(tolerance) and difference <= tolerance)
        self.checks.append(Check(name, subject, passed, difference, tolerance))
        return passed

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {"passed": self.passed, "max_difference": self.max_difference, **asdict(self)}

    def summary(self) -> dict[str, Any]:
        """Return what a manifest keeps: for each kind, the number of checks, the largest difference, its tolerance.

        There is "left_out" only if something was.
        """
        kinds: dict[str, dict[str, Any]] = {}
        for check in self.checks:
            kind = kinds.setdefault(check.name, {"checks": 0, "passed": True})
            kind["checks"] += 1
            kind["passed"] = kind["passed"] and check.passed
            if check.difference is not None and check.difference >= kind.get("max_difference", 0.0):
                kind["max_difference"] = check.difference
                kind["tolerance"] = check.tolerance
            if check.detail:
                kind["detail"] = check.detail
        left_out = {"left_out": self.left_out} if self.left_out else {}
        return {"passed": self.passed, "max_difference": self.max_difference, "checks": kinds, **left_out}

    def table(self, *, failures_only: bool = False) -> str:
        """Return the checks as aligned lines of text, with a line of headings first."""
        rows = []
        for check in self.checks:
            if failures_only and check.passed:
                continue
            difference = "" if check.difference is None else f"{check.difference:.2e}"
            tolerance = "" if check.tolerance is None else f"{check.tolerance:.2e}"
            verdict = "ok" if check.passed else "DIFFERS"
            rows.append((check.name, check.subject, difference, tolerance, f"{verdict} {check.detail}".strip()))
        return render_table(rows, ("check", "of", "difference", "tolerance", ""))

    def raise_if_failed(self) -> None:
        """Raise a ParityError with a table of the failed checks, if there are any."""
        if not self.passed:
            failed = sum(not check.passed for check in self.checks)
            raise ParityError(
                f"{self.artefact} does not give the answers of {self.original}: "
                f"{failed} of {len(self.checks)} checks differ\n{self.table(failures_only=True)}"
            )
