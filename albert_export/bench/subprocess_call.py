"""call_python: a request to a Python process, and the line of JSON that it answers with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from albert_runtime.errors import UnsupportedError

#: variables that say to libraries how many threads they may use
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def call_python(
    command: Sequence[str], request: Mapping[str, Any], *, threads: int, variables: Mapping[str, str]
) -> dict[str, Any]:
    """Start `command`, give it `request` as JSON, and wait until it ends; it is killed if this process is interrupted.

    Args:
        command: the program and its arguments.
        request: what it reads from its standard input. It also gets `started`, the time of its start on the clock
            `time.monotonic`, which all processes of a machine share.
        threads: the threads that libraries use which are told by environment variables.
        variables: environment variables besides those of this process.

    Returns:
        The JSON object in the last line that it printed. If it failed, an object with an `error` and its `exit_code`.
    """
    done = subprocess.run(
        command,
        input=json.dumps({**request, "started": time.monotonic()}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, **dict.fromkeys(_THREADS, str(threads)), **variables},
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


def call_own_python(arguments: Sequence[str], request: Mapping[str, Any], *, threads: int) -> dict[str, Any]:
    """Call this Python with `arguments`; see `call_python`.

    The new process imports the same modules as this one, and none that happen to be in the current folder.
    """
    variables = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}
    return call_python([sys.executable, *arguments], request, threads=threads, variables=variables)


def with_first_answer(record: dict[str, Any], answered: Mapping[str, Any]) -> dict[str, Any]:
    """Return `record` with the `first_answer_ms` of another process, or with a note of the error that it has instead.

    The checks of a load may refuse what can be measured without them.
    """
    if "error" not in answered:
        return {**record, **answered}
    notes = [*record["notes"], f"gave no first answer: {answered['error']}"]
    return {**record, "first_answer_ms": None, "notes": notes}
