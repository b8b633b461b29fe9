"""Measures one bundle in a process of its own: `python -m albert_export.bench.worker`.

The process reads JSON from standard input: the `bundle`, the `settings`, and what `measure` takes. It prints one line
of JSON on standard output: the figures, or an `error` with its `exit_code`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from albert_export.bench.bundle_subject import BundleSubject
from albert_export.bench.peers.subject import measure
from albert_export.bench.settings import Settings
from albert_runtime.errors import AlbertError


def main() -> None:
    """Measure what the request asks for."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # engines print messages on standard output too, which may hold nothing but the record
    request = json.loads(sys.stdin.read())
    try:
        subject = BundleSubject(Path(request["bundle"]), Settings(**request["settings"]))
        record = measure(subject, request)
        record["operations"] = subject.operations(request["batch"], list(map(int, record["runs_ms"])))
    except AlbertError as error:
        record = {"error": str(error), "exit_code": error.exit_code}
    print(json.dumps(record), file=output, flush=True)


if __name__ == "__main__":
    main()
