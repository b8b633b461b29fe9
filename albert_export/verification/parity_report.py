"""ParityReport: what was compared with the original, how far it was off, and how far it may be."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_runtime.errors import ParityError

#: Largest absolute difference of an fp32 output. ONNX Runtime and PyTorch sum in another order; over 12 to 24 passes
#: that leaves about 1e-5 of the largest value. Only an output with values above 10 is allowed more than this.
FP32_TOLERANCE = 1e-4
FP32_RELATIVE_TOLERANCE = 1e-5
#: Outputs of other precisions may be off by this share of the largest value of the output. fp16 keeps 11 bits, so each
#: operation is off by up to 2**-11 of its value, and the passes of the shared layer add up. Integers have no such
#: bound; the demo checkpoints show at most 0.05, 0.30 and 0.24, and these tell a working graph from a broken one.
#: Whether it is good enough is for the decoded answers to say.
RELATIVE_TOLERANCES = {"fp16": 0.02, "int8": 0.15, "int8-static": 0.5, "int4": 0.5}
#: An answer may differ where the original's best is no more than this above its second, as probability: then the
#: original itself is undecided, and either will do. For fp32 and fp16 that is twice the tolerance of a value of 1.
TIE_MARGINS = {"fp32": 2 * FP32_TOLERANCE, "fp16": 0.04, "int8": 0.1, "int8-static": 0.2, "int4": 0.2}
#: Other processors and engine versions may differ from the machine of the export by more than float32 sums do.
_SELF_TEST_SLACK = 10


def tolerance_for(precision: str, largest: float) -> float:
    """The largest difference allowed to an output whose largest absolute value is `largest`."""
    if precision == "fp32":
        return max(FP32_TOLERANCE, FP32_RELATIVE_TOLERANCE * largest)
    return RELATIVE_TOLERANCES[precision] * max(1.0, largest)


def self_test_tolerance(precision: str, largest: float) -> float:
    """How far another machine may be off what the same file gave where it was made."""
    slack = _SELF_TEST_SLACK if precision in ("fp32", "fp16") else 1
    return slack * tolerance_for(precision, largest)


@dataclass(frozen=True)
class Check:
    """One comparison. `difference` and `tolerance` are None where things are equal or not."""

    name: str
    subject: str
    passed: bool
    difference: float | None = None
    tolerance: float | None = None
    detail: str = ""


@dataclass
class ParityReport:
    """All comparisons of one artefact with its original, in the order they were made."""

    artefact: str
    original: str
    precision: str
    checks: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every check holds, and there is one."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def max_difference(self) -> float:
        """The largest difference of any value."""
        return max((check.difference for check in self.checks if check.difference is not None), default=0.0)

    def add_equal(self, name: str, subject: str, passed: bool, detail: str = "") -> bool:
        """Records a comparison that holds or does not; returns whether it holds."""
        self.checks.append(Check(name, subject, passed, detail=detail))
        return passed

    def add_values(self, name: str, subject: str, got: NDArray[Any], expected: NDArray[Any]) -> bool:
        """Records the largest difference of two arrays of one shape; NaN never passes. Returns whether it holds."""
        largest = float(np.abs(expected).max(initial=0.0))
        tolerance = tolerance_for(self.precision, largest)
        difference = float(np.abs(got - expected).max(initial=0.0))
        passed = bool(difference <= tolerance)
        self.checks.append(Check(name, subject, passed, difference, tolerance))
        return passed

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON types."""
        return {"passed": self.passed, "max_difference": self.max_difference, **asdict(self)}

    def summary(self) -> dict[str, Any]:
        """What a manifest keeps of it: for each kind of check how many there were, the worst and its tolerance."""
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
        return {"passed": self.passed, "max_difference": self.max_difference, "checks": kinds}

    def table(self, *, failures_only: bool = False) -> str:
        """The checks as lines of text, columns aligned."""
        rows = [("check", "of", "difference", "tolerance", "")]
        for check in self.checks:
            if failures_only and check.passed:
                continue
            difference = "" if check.difference is None else f"{check.difference:.2e}"
            tolerance = "" if check.tolerance is None else f"{check.tolerance:.2e}"
            verdict = "ok" if check.passed else "DIFFERS"
            rows.append((check.name, check.subject, difference, tolerance, f"{verdict} {check.detail}".strip()))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
            for row in rows
        )

    def raise_if_failed(self) -> None:
        """Raises ParityError with a table of the differences."""
        if not self.passed:
            failed = sum(not check.passed for check in self.checks)
            raise ParityError(
                f"{self.artefact} does not give the answers of {self.original}: "
                f"{failed} of {len(self.checks)} checks differ\n{self.table(failures_only=True)}"
            )
