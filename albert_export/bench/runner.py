"""run_bench: every bundle in processes of its own, taken in turn."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from albert_export.bench.machine import machine_facts
from albert_export.bench.report import BenchReport, Failed, Measured
from albert_export.bench.worker import Settings
from albert_runtime.errors import UnsupportedError


def run_bench(
    bundles: Sequence[Path],
    settings: Settings | None = None,
    *,
    progress: Callable[[str], None] = lambda step: None,
) -> BenchReport:
    """Measures `bundles`, all with the same settings.

    A round takes each bundle once, one process after the other, so that what else the machine does in the meantime
    falls on all of them alike. Nothing is raised for a bundle that can't be measured: the report says it, the others
    are measured all the same.
    """
    settings = settings or Settings()
    machine = machine_facts()
    records: list[list[dict[str, Any]]] = [[] for _ in bundles]
    failed: dict[int, Failed] = {}
    for turn in range(settings.rounds):
        for index, bundle in enumerate(bundles):
            if index in failed:
                continue
            progress(f"round {turn + 1} of {settings.rounds}: {bundle}")
            record = _measure_apart(bundle, settings)
            if "error" in record:
                failed[index] = Failed(str(bundle), record["error"], record["exit_code"])
            else:
                records[index].append(record)
    entries = (failed.get(index) or Measured.of(str(bundle), records[index]) for index, bundle in enumerate(bundles))
    return BenchReport(machine, settings, tuple(entries))


def _measure_apart(bundle: Path, settings: Settings) -> dict[str, Any]:
    """What `measure` gives in a process of its own, or its "error" and "exit_code".

    `subprocess.run` kills the process if this one is interrupted.
    """
    request = json.dumps({"bundle": str(bundle), "settings": asdict(settings)})
    # The process finds the modules that this one found, and none that happen to lie in the current folder.
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
    how = f"exit code {done.returncode}"
    if done.returncode < 0:
        how = f"signal {signal.Signals(-done.returncode).name}"
    talk = done.stderr.strip().splitlines() or ["nothing was said; there may be too little memory"]
    return {
        "error": f"the process that measured it ended with {how}: {talk[-1]}",
        "exit_code": UnsupportedError.exit_code,
    }
