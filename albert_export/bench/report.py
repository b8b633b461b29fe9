"""BenchReport: the measurements of all bundles, as JSON and checked against a budget."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from albert_export.bench.worker import Settings
from albert_runtime.errors import AlbertError, BudgetError, listed


@dataclass(frozen=True)
class Statistics:
    """The median, minimum and maximum of a quantity that was measured several times."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Statistics:
        """Return the statistics of `values`, of which there must be at least one."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Measurement:
    """What was measured of one bundle in all rounds. `albert_export.bench.worker.measure` explains each quantity."""

    bundle: str
    task: str
    precision: str
    engine: str
    notes: tuple[str, ...]
    file_bytes: int
    load_ms: Statistics
    engine_load_ms: Statistics
    first_ms: Statistics
    memory_bytes: Statistics | None
    tokenizer_bytes: Statistics | None
    peak_bytes: Statistics | None
    #: sequence length in tokens -> statistics of the medians of all rounds
    latency_ms: dict[int, Statistics]
    #: over all changes of the sequence length; None for a graph of one length
    grow_ms: Statistics | None
    shrink_ms: Statistics | None
    #: the record of each process, as `measure` returned it
    rounds: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, bundle: str, rounds: Sequence[dict[str, Any]]) -> Measurement:
        """Return the statistics of `rounds`, the records that `measure` returned."""
        last = rounds[-1]

        def each(name: str) -> Statistics:
            return Statistics.of([record[name] for record in rounds])

        def memory(name: str) -> Statistics | None:
            return None if last[name] is None else each(name)

        def changes(name: str) -> Statistics | None:
            values = [value for record in rounds for value in record[name] or ()]
            return Statistics.of(values) if values else None

        return cls(
            bundle=bundle,
            task=last["task"],
            precision=last["precision"],
            engine=last["engine"],
            notes=tuple(last["notes"]),
            file_bytes=last["file_bytes"],
            load_ms=each("load_ms"),
            engine_load_ms=each("engine_load_ms"),
            first_ms=each("first_ms"),
            memory_bytes=memory("memory_bytes"),
            tokenizer_bytes=memory("tokenizer_bytes"),
            peak_bytes=memory("peak_bytes"),
            latency_ms={
                int(length): Statistics.of([statistics.median(record["runs_ms"][length]) for record in rounds])
                for length in last["runs_ms"]
            },
            grow_ms=changes("grow_ms"),
            shrink_ms=changes("shrink_ms"),
            rounds=tuple(rounds),
        )

    def ratios(self, first: Measurement) -> dict[str, Any]:
        """Return how many times smaller and faster this bundle is than `first`; None where one was not measured."""

        def ratio(theirs: Statistics | None, own: Statistics | None) -> float | None:
            return theirs.median / own.median if theirs and own and own.median > 0 else None

        return {
            "file": first.file_bytes / self.file_bytes,
            "load": ratio(first.load_ms, self.load_ms),
            "memory": ratio(first.memory_bytes, self.memory_bytes),
            "latency": {length: ratio(first.latency_ms.get(length), own) for length, own in self.latency_ms.items()},
        }


@dataclass(frozen=True)
class Failure:
    """A bundle that could not be measured, with the error and the exit code for it."""

    bundle: str
    error: str
    exit_code: int


@dataclass(frozen=True)
class ResourceBudget:
    """The most that every bundle may use; None sets no limit. An MB is 1,000,000 bytes; times are medians."""

    size_mb: float | None = None
    memory_mb: float | None = None
    load_ms: float | None = None
    latency_ms: float | None = None


@dataclass(frozen=True)
class BenchReport:
    """The result of one benchmark run, with the bundles in the order in which they were given."""

    machine: dict[str, Any]
    settings: Settings
    bundles: tuple[Measurement | Failure, ...]

    @property
    def measurements(self) -> list[Measurement]:
        """The bundles that could be measured."""
        return [one for one in self.bundles if isinstance(one, Measurement)]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON types. Ratios are to the first bundle, and left out if that was not measured."""
        first = self.bundles[0]
        records = []
        for one in self.bundles:
            record = asdict(one)
            if isinstance(one, Measurement) and isinstance(first, Measurement):
                record["ratios_to_first"] = one.ratios(first)
            records.append(record)
        return {"machine": self.machine, "settings": asdict(self.settings), "bundles": records}

    def raise_if_failed(self, budget: ResourceBudget) -> None:
        """Raise an error if a bundle could not be measured, or else if one exceeds `budget`.

        Raises:
            AlbertError: some bundles could not be measured; the exit code is that of the first one.
            BudgetError: some bundles exceed the budget; the message lists every excess.
        """
        failed = [one for one in self.bundles if isinstance(one, Failure)]
        if failed:
            errors = [f"{one.bundle}: {one.error}".replace("\n", "\n    ") for one in failed]
            error = AlbertError(failed[0].error if len(self.bundles) == 1 else listed("not measured:", errors))
            error.exit_code = failed[0].exit_code
            raise error
        problems = [problem for one in self.measurements for problem in _violations(one, budget)]
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
            yield f"{one.bundle}: {unit} can't be measured on this system, so {option} {allowed:g} can't be checked"
        elif allowed is not None and value is not None and value > allowed:
            yield f"{one.bundle}: {value:.1f} {unit}, {option} is {allowed:g}"
