"""run_bench: measures each bundle in processes of its own, in turn with the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from albert_export.bench.machine import machine_facts
from albert_export.bench.measurement import Failure, Measurement
from albert_export.bench.processor_limit import measure_limit
from albert_export.bench.report import BenchReport
from albert_export.bench.settings import Settings
from albert_export.utils.terminal import Progress
from albert_runtime.errors import UnsupportedError


def run_bench(
    bundles: Sequence[Path],
    settings: Settings | None = None,
    *,
    with_limit: bool = False,
    progress: Progress = lambda step: None,
) -> BenchReport:
    """Measure `bundles`, all with the same settings.

    Each round measures every bundle once, one process after the other, so that other load on the machine affects all
    of them alike. A bundle that can't be measured raises no error: it becomes a `Failure` in the report, and the
    others are measured nevertheless.

    Args:
        bundles: the folders of the bundles.
        settings: None means the default `Settings()`.
        with_limit: measure the processor's own limit too, before the first round and after the last.
        progress: called with a line before each measurement.
    """
    settings = settings or Settings()
    machine = machine_facts()
    limit = measure_limit(settings.threads, progress=progress) if with_limit else None
    records: list[list[dict[str, Any]]] = [[] for _ in bundles]
    failed: dict[int, Failure] = {}
    for round_number in range(1, settings.rounds + 1):
        for index, bundle in enumerate(bundles):
            if index in failed:
                continue
            progress(f"round {round_number} of {settings.rounds}: {bundle}")
            record = _measure_in_process(bundle, settings)
            if "error" in record:
                failed[index] = Failure("bundle", str(bundle), record["error"], record["exit_code"])
            else:
                records[index].append(record)
    entries = (failed.get(index) or Measurement.of(str(bundle), records[index]) for index, bundle in enumerate(bundles))
    if limit is not None:
        limit = limit.better_of(measure_limit(settings.threads, progress=progress))
    return BenchReport(machine, settings, tuple(entries), limit=limit)


def _measure_in_process(bundle: Path, settings: Settings) -> dict[str, Any]:
    """Return the record of `measure`, called in a new process, or an "error" with its "exit_code".

    `subprocess.run` kills the new process if this one is interrupted.
    """
    request = json.dumps({"bundle": str(bundle), "settings": asdict(settings)})
    # The new process must import the same modules as this one, and none that happen to be in the current folder.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "albert_export.bench.worker", request],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        check=False,
    )
    if done.returncode == 0:
        record: dict[str, Any] = json.loads(done.stdout)
        return record
    reason = f"exit code {done.returncode}"
    if done.returncode < 0:
        reason = f"signal {signal.Signals(-done.returncode).name}"
    messages = done.stderr.strip().splitlines() or ["it printed no message; the memory may be too small"]
    return {
        "error": f"the process that measured it ended with {reason}: {messages[-1]}",
        "exit_code": UnsupportedError.exit_code,
    }
