"""recommend: measures every candidate, and takes the fastest of those that keep the original's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from albert_export.bench.machine import machine_facts
from albert_export.bench.measurement import Failure, Measurement, Statistics
from albert_export.bench.recommend.candidates import Candidate, candidates_of
from albert_export.bench.runner import run_bench
from albert_export.bench.settings import Settings
from albert_export.quantization.accuracy_options import AccuracyBudget
from albert_export.utils.terminal import Progress
from albert_runtime.engines.cores import usable_cores
from albert_runtime.errors import AccuracyError, AlbertError, listed
from albert_runtime.tasks import Task

#: what takes at most this much of the shortest time is as fast: the noise of a run is larger
AS_FAST = 1.03


@dataclass(frozen=True)
class Ranked:
    """A candidate with what was measured of it."""

    candidate: Candidate
    result: Measurement | Failure
    #: why it can't be recommended, in words; empty if it can
    excess: str

    @property
    def memory_bytes(self) -> float | None:
        """The median of the memory; None if it was not measured."""
        memory = self.result.memory_bytes if isinstance(self.result, Measurement) else None
        return None if memory is None else memory.median

    def milliseconds(self, length: int) -> Statistics | None:
        """Return the latency at `length` tokens; None if it was not measured."""
        return self.result.latency_ms.get(length) if isinstance(self.result, Measurement) else None


@dataclass(frozen=True)
class Recommendation:
    """The candidates, the fastest first and those that did not run last, and the one that is recommended."""

    task: Task
    machine: dict[str, Any]
    settings: Settings
    budget: AccuracyBudget
    ranked: tuple[Ranked, ...]
    chosen: Ranked
    #: number of threads -> the latency of the chosen one; empty if the number was given
    threads_ms: dict[int, Statistics]
    #: the number of threads that is recommended
    threads: int

    @property
    def length(self) -> int:
        """The length in tokens at which the candidates were compared."""
        return self.settings.lengths[0]

    @property
    def next_best(self) -> Ranked | None:
        """The fastest of the others that keep the answers; None if there is none."""
        others = [one for one in self.ranked if one is not self.chosen and not one.excess]
        return next((one for one in others if one.milliseconds(self.length) is not None), None)


def recommend(
    bundles: Sequence[Path],
    settings: Settings,
    budget: AccuracyBudget,
    *,
    progress: Progress = lambda step: None,
) -> Recommendation:
    """Measure all graphs of `bundles` with every installed engine that can run them, in turn, and choose one.

    The accuracy is what each manifest says. A graph whose manifest says nothing is chosen only if there is no other.

    Args:
        bundles: bundles of one checkpoint for one task.
        settings: the conditions. Only the first length is measured, and engine and precision are set by the candidates.
        budget: how much accuracy the chosen one may have lost.
        progress: called with a line before each measurement.

    Raises:
        AlbertError: bundles can't be opened, or nothing runs; the exit code is that of the first error.
        UsageError: the bundles are for different tasks or of different checkpoints.
        AccuracyError: whatever runs exceeds the budget; the message says by how much.
    """
    task, candidates = candidates_of(bundles)
    length = settings.lengths[0]
    settings = replace(settings, lengths=(length,), resize=(length, length))
    results = _in_turn([(one, settings.threads) for one in candidates], settings, progress)
    ranked = [Ranked(one, result, one.accuracy.excess(budget)) for one, result in zip(candidates, results, strict=True)]
    ranked.sort(key=lambda one: _median(one, length))
    chosen = _chosen(ranked, length, budget)
    threads_ms = {} if settings.threads else _threads_ms(chosen.candidate, settings, progress)
    return Recommendation(
        task=task,
        machine=machine_facts(),
        settings=settings,
        budget=budget,
        ranked=tuple(ranked),
        chosen=chosen,
        threads_ms=threads_ms,
        threads=settings.threads or fewest_threads(threads_ms),
    )


def fewest_threads(threads_ms: dict[int, Statistics]) -> int:
    """Return the smallest number of threads whose median is hardly longer than the shortest."""
    best = min(figures.median for figures in threads_ms.values())
    return min(count for count, figures in threads_ms.items() if figures.median <= AS_FAST * best)


def _median(one: Ranked, length: int) -> float:
    figures = one.milliseconds(length)
    return float("inf") if figures is None else figures.median


def _chosen(ranked: Sequence[Ranked], length: int, budget: AccuracyBudget) -> Ranked:
    """The fastest that keeps the answers, or of several that are as fast the one with the least memory.

    Those whose accuracy nobody knows count only if there are no others.
    """
    runs = [one for one in ranked if isinstance(one.result, Measurement)]
    if not runs:
        failures = [one.result for one in ranked if isinstance(one.result, Failure)]
        lines = dict.fromkeys(f"{one.name}: {one.error}".replace("\n", "\n    ") for one in failures)
        error = AlbertError(listed("none of the bundles runs here:", list(lines)))
        error.exit_code = failures[0].exit_code
        raise error
    kept = [one for one in runs if not one.excess]
    if not kept:
        lines = dict.fromkeys(f"{one.candidate}: {one.excess}" for one in runs)
        raise AccuracyError(
            listed(f"no bundle keeps the accuracy ({budget}):", list(lines))
            + "\nallow more with --max-drop, or add a bundle in another precision, such as fp32"
        )
    kept = [one for one in kept if one.candidate.accuracy.is_known] or kept
    as_fast = [one for one in kept if _median(one, length) <= AS_FAST * _median(kept[0], length)]
    return min(as_fast, key=lambda one: one.memory_bytes or 0.0)


def _threads_ms(candidate: Candidate, settings: Settings, progress: Progress) -> dict[int, Statistics]:
    """The latency of the candidate with 1, 2, 4 ... threads, up to the cores that may be used."""
    cores = usable_cores()
    counts = [*(2**power for power in range(cores.bit_length()) if 2**power < cores), cores]
    results = _in_turn([(candidate, count) for count in counts], settings, progress)
    return {
        count: result.latency_ms[settings.lengths[0]]
        for count, result in zip(counts, results, strict=True)
        if isinstance(result, Measurement)
    }


def _in_turn(
    jobs: Sequence[tuple[Candidate, int | None]], settings: Settings, progress: Progress
) -> list[Measurement | Failure]:
    """Measure every pair of a candidate and a number of threads once in each round, one process after the other."""
    records: list[list[dict[str, Any]]] = [[] for _ in jobs]
    failed: dict[int, Failure] = {}
    for number in range(1, settings.rounds + 1):
        for index, (candidate, threads) in enumerate(jobs):
            if index in failed:
                continue
            progress(f"round {number} of {settings.rounds}: {candidate} on {candidate.engine}")
            own = replace(settings, rounds=1, threads=threads, engine=candidate.engine, precision=candidate.precision)
            [result] = run_bench([candidate.bundle], own).bundles
            if isinstance(result, Failure):
                failed[index] = replace(result, name=str(candidate))
            else:
                records[index] += result.rounds
    return [
        failed.get(index) or Measurement.of(str(candidate), records[index]) for index, (candidate, _) in enumerate(jobs)
    ]
