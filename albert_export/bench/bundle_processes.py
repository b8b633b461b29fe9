"""BundleProcesses: the processes that measure one bundle, a new one each time."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import albert_runtime
from albert_export.bench.measurement import Kind
from albert_export.bench.settings import Settings, Workload
from albert_export.bench.subprocess_call import call_own_python, with_first_answer
from albert_export.samples.requests import sample_requests

#: what a user's script does, and no more: it imports the runtime alone, and loads with all checks
_FIRST_ANSWER = """
import json, sys, time
request = json.loads(sys.stdin.read())
import albert_runtime
session = albert_runtime.load(request["bundle"], **request["load"])
session(**request["arguments"])
print(json.dumps({"first_answer_ms": (time.monotonic() - request["started"]) * 1e3}))
"""


class BundleProcesses:
    """Measures the bundle in `folder`; see `albert_export.bench.runner.SubjectProcesses`."""

    kind: Kind = "bundle"
    conversion_ms: float | None = None

    def __init__(self, folder: Path, settings: Settings, threads: int) -> None:
        self.name, self.settings, self.threads = str(folder), settings, threads

    def measure(self, workload: Workload) -> dict[str, Any]:
        settings = asdict(self.settings)
        request = {"bundle": self.name, "settings": settings, **settings, **workload.to_request()}
        record = call_own_python(["-m", "albert_export.bench.worker"], request, threads=self.threads)
        return record if "error" in record else with_first_answer(record, self._first_answer())

    def _first_answer(self) -> dict[str, Any]:
        """Return `first_answer_ms`; None for a bundle without a tokenizer, which has no texts to answer."""
        load = {"threads": self.threads, "engine": self.settings.engine, "precision": self.settings.precision}
        bundle = albert_runtime.open_bundle(self.name, check=False, precision=self.settings.precision)
        if not bundle.manifest.has_tokenizer:
            return {"first_answer_ms": None}
        (arguments,) = sample_requests(bundle.task, 1, short=True)
        request = {"bundle": self.name, "load": load, "arguments": arguments}
        return call_own_python(["-c", _FIRST_ANSWER], request, threads=self.threads)
