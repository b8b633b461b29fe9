"""BenchReport: the figures of all bundles, as a table, as JSON, and against a budget."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from albert_export.bench.worker import Settings
from albert_runtime.errors import AlbertError, BudgetError, listed


@dataclass(frozen=True)
class Figure:
    """One figure of several measurements: the middle one, and the least and most of them."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """The figure of `values`, one or more."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Measured:
    """A bundle and its figures over all rounds. See `measure` for what each is; a `latency_ms` is of medians."""

    bundle: str
    task: str
    precision: str
    engine: str
    notes: tuple[str, ...]
    file_bytes: int
    load_ms: Figure
    engine_load_ms: Figure
    first_ms: Figure
    memory_bytes: Figure | None
    tokenizer_bytes: Figure | None
    peak_bytes: Figure | None
    #: tokens -> the figure
    latency_ms: dict[int, Figure]
    #: over each change of the length
    grow_ms: Figure | None
    shrink_ms: Figure | None
    #: what each process reported
    rounds: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, bundle: str, rounds: Sequence[dict[str, Any]]) -> Measured:
        """The figures of the `rounds` that `measure` gave."""
        last = rounds[-1]

        def each(name: str) -> Figure:
            return Figure.of([record[name] for record in rounds])

        def memory(name: str) -> Figure | None:
            return None if last[name] is None else each(name)

        def changes(name: str) -> Figure | None:
            values = [value for record in rounds for value in record[name] or ()]
            return Figure.of(values) if values else None

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
                int(length): Figure.of([statistics.median(record["runs_ms"][length]) for record in rounds])
                for length in last["runs_ms"]
            },
            grow_ms=changes("grow_ms"),
            shrink_ms=changes("shrink_ms"),
            rounds=tuple(rounds),
        )

    def ratios(self, first: Measured) -> dict[str, Any]:
        """How many times smaller and faster this one is than `first`; None where either was not measured."""

        def ratio(theirs: Figure | None, ours: Figure | None) -> float | None:
            return theirs.median / ours.median if theirs and ours and ours.median > 0 else None

        return {
            "file": first.file_bytes / self.file_bytes,
            "load": ratio(first.load_ms, self.load_ms),
            "memory": ratio(first.memory_bytes, self.memory_bytes),
            "latency": {length: ratio(first.latency_ms.get(length), ours) for length, ours in self.latency_ms.items()},
        }


@dataclass(frozen=True)
class Failed:
    """A bundle that could not be measured: why, and the exit code for it."""

    bundle: str
    error: str
    exit_code: int


@dataclass(frozen=True)
class Budget:
    """What every bundle may need at most; None allows anything. MB are 1,000,000 bytes, ms are medians."""

    size_mb: float | None = None
    memory_mb: float | None = None
    load_ms: float | None = None
    latency_ms: float | None = None


@dataclass(frozen=True)
class BenchReport:
    """One run of the bench; the bundles in the order they were given."""

    machine: dict[str, Any]
    settings: Settings
    bundles: tuple[Measured | Failed, ...]

    @property
    def measured(self) -> list[Measured]:
        """The bundles that have figures."""
        return [one for one in self.bundles if isinstance(one, Measured)]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON types. Ratios are to the first bundle, where that was measured."""
        first = self.bundles[0]
        records = []
        for one in self.bundles:
            record = asdict(one)
            if isinstance(one, Measured) and isinstance(first, Measured):
                record["ratios_to_first"] = one.ratios(first)
            records.append(record)
        return {"machine": self.machine, "settings": asdict(self.settings), "bundles": records}

    def raise_if_failed(self, budget: Budget) -> None:
        """Raises what went wrong: bundles that could not be measured before bundles over `budget`.

        Raises:
            AlbertError: with the exit code of the first bundle that could not be measured.
            BudgetError: a bundle needs more than the budget allows; all of them are named.
        """
        failed = [one for one in self.bundles if isinstance(one, Failed)]
        if failed:
            errors = [f"{one.bundle}: {one.error}".replace("\n", "\n    ") for one in failed]
            error = AlbertError(failed[0].error if len(self.bundles) == 1 else listed("not measured:", errors))
            error.exit_code = failed[0].exit_code
            raise error
        problems = [problem for one in self.measured for problem in _over_budget(one, budget)]
        if problems:
            raise BudgetError(listed("over the budget:", problems))


def _over_budget(one: Measured, budget: Budget) -> Iterable[str]:
    memory_mb = None if one.memory_bytes is None else one.memory_bytes.median / 1e6
    needs: list[tuple[float | None, float | None, str, str]] = [
        (one.file_bytes / 1e6, budget.size_mb, "MB of file", "--max-size"),
        (memory_mb, budget.memory_mb, "MB of memory", "--max-memory"),
        (one.load_ms.median, budget.load_ms, "ms to load", "--max-load"),
        *(
            (figure.median, budget.latency_ms, f"ms at {length} tokens", "--max-latency")
            for length, figure in one.latency_ms.items()
        ),
    ]
    for need, allowed, unit, option in needs:
        if allowed is not None and need is None:
            yield f"{one.bundle}: {unit} can't be told on this system, so {option} {allowed:g} can't be held to"
        elif allowed is not None and need is not None and need > allowed:
            yield f"{one.bundle}: {need:.1f} {unit}, {option} is {allowed:g}"
