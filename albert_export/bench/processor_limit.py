"""ProcessorLimit: how fast this processor multiplies matrices, and so the least time that a run can take.

The peak is what the best of the installed libraries reaches on large square matrices, with as many threads as the
bundles get. A run whose matrix products take N operations can't take less than N / peak, whatever engine runs it, as
long as no engine multiplies faster than the best of these libraries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from albert_export.bench.matrix_products import LIBRARIES
from albert_export.bench.subprocess_call import call_own_python
from albert_export.utils.terminal import Progress
from albert_runtime.engines.cores import usable_cores

#: seconds for each library, size and precision
_SECONDS = 0.15


@dataclass(frozen=True)
class Peak:
    """The fastest product of matrices."""

    #: 1e9 operations a second; a multiplication and an addition are two
    peak_gops: float
    #: the library and its version
    by: str
    #: rows and columns of the matrices
    size: int


@dataclass(frozen=True)
class ProcessorLimit:
    """The peaks of this processor in fp32 and int8; None where no library could multiply."""

    threads: int
    fp32: Peak | None
    int8: Peak | None

    @classmethod
    def of(cls, threads: int, records: Iterable[Mapping[str, Any]]) -> ProcessorLimit:
        """Return the best of the `records` that `matrix_products.measure_library` returned."""
        best: dict[str, Peak] = {}
        for record in records:
            peak = Peak(record["gops"], record["by"], record["size"])
            known = best.get(record["precision"])
            if known is None or peak.peak_gops > known.peak_gops:
                best[record["precision"]] = peak
        return cls(threads, best.get("fp32"), best.get("int8"))

    @property
    def peaks(self) -> dict[str, Peak]:
        """The peaks that were measured, by their precision."""
        return {name: peak for name, peak in (("fp32", self.fp32), ("int8", self.int8)) if peak is not None}

    def better_of(self, other: ProcessorLimit) -> ProcessorLimit:
        """Return the higher peak of each precision, of two measurements with the same number of threads."""

        def better(one: Peak | None, two: Peak | None) -> Peak | None:
            return max((peak for peak in (one, two) if peak is not None), key=lambda peak: peak.peak_gops, default=None)

        return ProcessorLimit(self.threads, better(self.fp32, other.fp32), better(self.int8, other.int8))

    def peak_for(self, precision: str) -> Peak | None:
        """Return the peak that a graph of this precision is held against.

        It is int8's for int8, int8-static and int4, whose weights of 4 bits are multiplied as 8, and fp32's for all
        others.
        """
        return self.int8 if precision.startswith("int") else self.fp32

    def milliseconds(self, operations: float, precision: str) -> float | None:
        """Return the least time of a run whose matrix products take so many operations; None without a peak."""
        peak = self.peak_for(precision)
        return None if peak is None else operations / peak.peak_gops / 1e6


def measure_limit(threads: int | None = None, *, progress: Progress = lambda step: None) -> ProcessorLimit:
    """Measure the peaks, each library in a process of its own, one after the other.

    Args:
        threads: as for `Settings`; None means as many as there are usable cores.
        progress: called with a line before each library.
    """
    threads = threads or usable_cores()
    records: list[dict[str, Any]] = []
    for library in LIBRARIES:
        progress(f"the processor's limit: matrix products of {library}")
        records += _measured(library, threads)
    return ProcessorLimit.of(threads, records)


def _measured(library: str, threads: int) -> list[dict[str, Any]]:
    """The records of one library; none if its process ends with an error, such as for an instruction it lacks."""
    request = {"library": library, "threads": threads, "seconds": _SECONDS}
    answer = call_own_python(["-m", "albert_export.bench.matrix_products"], request, threads=threads)
    records: list[dict[str, Any]] = answer.get("records", [])
    return records
