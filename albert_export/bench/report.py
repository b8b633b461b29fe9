"""BenchReport: the measurements of all bundles, as JSON and checked against a budget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from albert_export.bench.measurement import Failure, Measurement
from albert_export.bench.processor_limit import ProcessorLimit
from albert_export.bench.settings import Settings, Workload
from albert_runtime.errors import AlbertError, BudgetError, listed


@dataclass(frozen=True)
class ResourceBudget:
    """The most that every bundle may use; None sets no limit. An MB is 1,000,000 bytes; times are medians."""

    size_mb: float | None = None
    memory_mb: float | None = None
    load_ms: float | None = None
    latency_ms: float | None = None


@dataclass(frozen=True)
class BenchReport:
    """The result of one benchmark run, with the bundles and the peers in the order in which they were given."""

    machine: dict[str, Any]
    settings: Settings
    bundles: tuple[Measurement | Failure, ...]
    peers: tuple[Measurement | Failure, ...] = ()
    workload: Workload = field(default_factory=Workload)
    #: the cores that every process was bound to; None on a system that binds none
    affinity: tuple[int, ...] | None = None
    #: what answers are compared with: the checkpoint, or the first bundle that answered; None if there are no answers
    reference: str | None = None
    #: how fast the processor multiplies matrices; None if that was not measured
    limit: ProcessorLimit | None = None

    @property
    def subjects(self) -> tuple[Measurement | Failure, ...]:
        """The bundles, and then the peers."""
        return self.bundles + self.peers

    @property
    def measurements(self) -> list[Measurement]:
        """The bundles and peers that could be measured."""
        return [one for one in self.subjects if isinstance(one, Measurement)]

    @property
    def threads(self) -> int:
        """The threads that every engine was given."""
        return self.settings.threads or int(self.machine["usable_cores"])

    def limit_ms(self, one: Measurement, length: int) -> float | None:
        """Return what the matrix products of a run at `length` tokens take at the processor's peak, in milliseconds.

        Peers run the checkpoint of the first bundle, so that their runs have its operations. None without a peak, or
        if neither was run at that length.
        """
        first = self.bundles[0]
        same = first.operations if one.kind == "peer" and isinstance(first, Measurement) else {}
        operations = one.operations.get(length, same.get(length))
        return None if self.limit is None or operations is None else self.limit.milliseconds(operations, one.precision)

    def times_limit(self, one: Measurement, length: int) -> float | None:
        """Return how many times `limit_ms` the median latency at `length` tokens is; None where one is not known."""
        limit, measured = self.limit_ms(one, length), one.latency_ms.get(length)
        return None if limit is None or measured is None else measured.median / limit

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON types. Ratios are to the first bundle, and left out if that was not measured.

        The names of figures end with their unit: `_bytes`, `_ms`, `_gops` for 1e9 operations a
        second, or `_per_s` for what is done in a second.
        """
        return {
            "machine": self.machine,
            "threads": self.threads,
            "affinity": self.affinity,
            "settings": asdict(self.settings),
            "workload": self.workload.to_dict(),
            "reference": self.reference,
            "limit": None if self.limit is None else asdict(self.limit),
            "bundles": [{"bundle": one.name, **self._record(one)} for one in self.bundles],
            "peers": [self._record(one) for one in self.peers],
        }

    def _record(self, one: Measurement | Failure) -> dict[str, Any]:
        record = asdict(one)
        first = self.bundles[0]
        if isinstance(one, Measurement):
            record["limit_ms"] = {length: self.limit_ms(one, length) for length in one.latency_ms}
            record["times_limit"] = {length: self.times_limit(one, length) for length in one.latency_ms}
        if isinstance(one, Measurement) and isinstance(first, Measurement):
            record["ratios_to_first"] = one.ratios(first)
        return record

    def raise_if_failed(self, budget: ResourceBudget) -> None:
        """Raise an error if a bundle could not be measured, or else if one exceeds `budget`; peers are not judged.

        Raises:
            AlbertError: some bundles could not be measured; the exit code is that of the first one.
            BudgetError: some bundles exceed the budget; the message lists every excess.
        """
        failed = [one for one in self.bundles if isinstance(one, Failure)]
        if failed:
            errors = [f"{one.name}: {one.error}".replace("\n", "\n    ") for one in failed]
            error = AlbertError(failed[0].error if len(self.bundles) == 1 else listed("not measured:", errors))
            error.exit_code = failed[0].exit_code
            raise error
        problems = [
            problem for one in self.bundles if isinstance(one, Measurement) for problem in _violations(one, budget)
        ]
        if problems:
            raise BudgetError(listed("over the budget:", problems))


def _violations(one: Measurement, budget: ResourceBudget) -> Iterable[str]:
    memory_mb = None if one.memory_bytes is None else one.memory_bytes.median / 1e6
    limits: list[tuple[float | None, float | None, str, str]] = [
        (one.file_bytes / 1e6, budget.size_mb, "MB of file", "--max-size"),
        (memory_mb, budget.memory_mb, "MB of memory", "--max-memory"),
        (one.load_ms.median, budget.load_ms, "ms to load", "--max-load"),
        *(
            (latency.median, budget.latency_ms, f"ms at {length} tokens", "--max-latency")
            for length, latency in one.latency_ms.items()
        ),
    ]
    for value, allowed, unit, option in limits:
        if allowed is not None and value is None:
            yield f"{one.name}: {unit} can't be measured on this system, so {option} {allowed:g} can't be checked"
        elif allowed is not None and value is not None and value > allowed:
            yield f"{one.name}: {value:.1f} {unit}, {option} is {allowed:g}"
