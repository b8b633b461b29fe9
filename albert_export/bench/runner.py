"""run_bench: measures each bundle and each peer in processes of its own, in turn with the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import albert_runtime
from albert_export.bench.affinity import bound_to_cores
from albert_export.bench.bundle_processes import BundleProcesses
from albert_export.bench.machine import machine_facts
from albert_export.bench.measurement import Answers, Equality, Failure, Kind, Measurement, Record
from albert_export.bench.peer_processes import Against, PeerHome
from albert_export.bench.processor_limit import ProcessorLimit, measure_limit
from albert_export.bench.report import BenchReport
from albert_export.bench.settings import Settings, Workload
from albert_export.utils.terminal import Progress
from albert_runtime.errors import AlbertError, UsageError


class SubjectProcesses(Protocol):
    """What measures one subject."""

    @property
    def kind(self) -> Kind:
        """Whether it is a bundle or a peer."""

    @property
    def name(self) -> str:
        """The folder of a bundle, or the name of a peer."""

    @property
    def conversion_ms(self) -> float | None:
        """What a peer's own conversion took."""

    def measure(self, workload: Workload) -> Record:
        """Measure the subject once in new processes; returns their record, or an `error` with its `exit_code`."""


def run_bench(
    bundles: Sequence[Path],
    settings: Settings | None = None,
    *,
    against: Against | None = None,
    workload: Workload | None = None,
    with_limit: bool = False,
    progress: Progress = lambda step: None,
) -> BenchReport:
    """Measure `bundles`, and peers with the checkpoint that they were made from, all with the same settings.

    Each round measures every subject once, one process after the other, so that other load on the machine affects all
    of them alike. All processes are bound to as many cores as they have threads. A subject that can't be measured
    raises no error: it becomes a `Failure` in the report, and the others are measured nevertheless.

    Args:
        bundles: the folders of the bundles.
        settings: None means the default `Settings()`.
        against: the peers; None for none.
        workload: texts and questions to answer; None for none.
        with_limit: measure the processor's own limit too, after the first round and after the last. It is left out if
            no subject could be measured.
        progress: called with a line before each measurement.

    Raises:
        UsageError: peers are asked for, and the bundles are for different tasks, or none of them can be opened.
    """
    settings, workload = settings or Settings(), workload or Workload()
    machine = machine_facts()
    threads = settings.threads or machine["usable_cores"]
    with bound_to_cores(threads) as affinity, _peers(against, bundles, settings, threads) as home:
        peers = home.prepare(progress) if home else []
        reference = home.reference(workload, progress) if home else Answers()
        subjects: list[SubjectProcesses | Failure] = [
            *(BundleProcesses(one, settings, threads) for one in bundles),
            *peers,
        ]
        limit: ProcessorLimit | None = None
        records: list[list[Record]] = [[] for _ in subjects]
        for number in range(settings.rounds):
            share = workload.share(number, settings.rounds)
            for index, subject in enumerate(subjects):
                if isinstance(subject, Failure):
                    continue
                progress(f"round {number + 1} of {settings.rounds}: {subject.name}")
                record = subject.measure(share)
                if "error" in record:
                    subjects[index] = Failure(subject.kind, subject.name, record["error"], record["exit_code"])
                else:
                    records[index].append(record)
            if with_limit and any(records) and number in (0, settings.rounds - 1):
                measured = measure_limit(threads, progress=progress)
                limit = measured if limit is None else limit.better_of(measured)
    name = f"{against.checkpoint} in transformers" if against and reference else None
    if not reference:
        name, reference = _first_answers(bundles, records)
    entries = tuple(
        subject
        if isinstance(subject, Failure)
        else Measurement.of(
            subject.name,
            rounds,
            kind=subject.kind,
            conversion_ms=subject.conversion_ms,
            equal_answers=Equality.between(Answers.of(rounds), reference),
        )
        for subject, rounds in zip(subjects, records, strict=True)
    )
    count = len(bundles)
    return BenchReport(machine, settings, entries[:count], entries[count:], workload, affinity, name, limit)


@contextmanager
def _peers(
    against: Against | None, bundles: Sequence[Path], settings: Settings, threads: int
) -> Iterator[PeerHome | None]:
    """Give the home of the peers, whose files are removed when the context is left; None if there are no peers."""
    if against is None:
        yield None
        return
    task = _common_task(bundles, settings)
    with TemporaryDirectory(prefix="albert-bench-") as folder:
        yield PeerHome(against, task, settings, threads, Path(folder))


def _common_task(bundles: Sequence[Path], settings: Settings) -> str:
    tasks: dict[str, Path] = {}
    errors: list[AlbertError] = []
    for folder in bundles:
        try:
            bundle = albert_runtime.open_bundle(folder, check=False, precision=settings.precision)
            tasks.setdefault(bundle.manifest.task, folder)
        except AlbertError as error:  # it will be a row of the report
            errors.append(error)
    if not tasks:
        raise errors[0]
    if len(tasks) > 1:
        found = ", ".join(f"{folder} is for {task}" for task, folder in tasks.items())
        raise UsageError(f"peers are measured with one checkpoint, so that all bundles must be for its task: {found}")
    return next(iter(tasks))


def _first_answers(bundles: Sequence[Path], records: Sequence[Sequence[Record]]) -> tuple[str | None, Answers]:
    """Return the first bundle that answered the workload, and its answers."""
    for bundle, rounds in zip(bundles, records, strict=False):
        answers = Answers.of(rounds)
        if answers:
            return str(bundle), answers
    return None, Answers()
