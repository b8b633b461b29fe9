"""One measurement of one bundle, in a process of its own: `python -m albert_export.bench.worker REQUEST`.

REQUEST is JSON, `{"bundle": FOLDER, "settings": {...}}`. One JSON object goes to standard output: the figures, or an
`error` with its `exit_code`. What is measured is `AlbertSession.run`, arrays in and arrays out: tokenization is not.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import albert_runtime
import albert_runtime.task_sessions  # what `load` would import is no part of the load's time and memory
from albert_runtime.engines import Arrays, open_engine
from albert_runtime.errors import AlbertError
from albert_runtime.tasks import BATCH, CHOICES, INPUT_NAMES
from albert_runtime.tokenization.special_tokens import SPECIAL_TOKENS

#: runs at each length before the clock starts
_WARM_UP = 3
#: how often the length grows and shrinks, and the runs at each length that the first one is compared with
_CHANGES = 5
_STEADY_RUNS = 3
_CHOICES = 2


@dataclass(frozen=True)
class Settings:
    """What every bundle is measured with."""

    #: tokens of a sequence; the first and the memory are measured at the first of them
    lengths: tuple[int, ...] = (128,)
    #: the two lengths between which the change is measured
    resize: tuple[int, int] = (32, 384)
    batch: int = 1
    #: None means the cores that this process may use
    threads: int | None = None
    #: fresh processes for each bundle
    rounds: int = 3
    #: timed runs at each length in a round
    runs: int = 20
    #: the engine's name, where the model file's suffix does not tell
    engine: str | None = None


def measure(folder: Path, settings: Settings) -> dict[str, Any]:
    """The figures of one load of the bundle in `folder`; units stand in their names.

    `load_ms` is of a whole session, without hashes and self-test; `engine_load_ms` is the graph's part of it.
    `memory_bytes` is the resident memory after the load and one run at the first length, less that after the imports;
    `tokenizer_bytes` is the part of it that all but the engine takes, nearly all of it the tokenizer's vocabulary;
    `peak_bytes` is the most there was until the runs at all lengths were done, less the same. Both are None, and the
    notes say so, where the system does not tell. `grow_ms` and `shrink_ms` hold, for each change of the length, the
    time of the first run after it less the median of the runs that follow; None for a graph of one length.

    Raises:
        AlbertError: the bundle can't be loaded, or does not take such inputs.
    """
    model_file = albert_runtime.open_bundle(folder, check=False).model_file
    _import_engine(model_file, settings.engine)
    _forget_peak()
    imported, _ = _memory()

    start = time.perf_counter()
    engine = open_engine(model_file, threads=settings.threads, name=settings.engine)
    engine_load_ms = (time.perf_counter() - start) * 1e3
    bare, _ = _memory()
    session = albert_runtime.load(folder, verify=False, engine=engine)
    load_ms = (time.perf_counter() - start) * 1e3
    beside, _ = _memory()
    lengths, resize, notes = _fit(session, settings)
    batches = {length: _inputs(session, settings.batch, length) for length in {*lengths, *resize}}

    def run_ms(length: int) -> float:
        start = time.perf_counter()
        session.run(batches[length])
        return (time.perf_counter() - start) * 1e3

    first_ms = run_ms(lengths[0])
    resident, _ = _memory()
    runs_ms = {}
    for length in lengths:
        for _ in range(_WARM_UP):
            run_ms(length)
        runs_ms[length] = [run_ms(length) for _ in range(settings.runs)]
    _, peak = _memory()
    if imported is None:
        notes.append("memory was not measured: this system has no /proc/self/status")
    return {
        "task": session.task,
        "precision": session.manifest.precision,
        "engine": f"{engine.name} {engine.version}",
        "file_bytes": model_file.stat().st_size,
        "notes": notes,
        "load_ms": load_ms,
        "engine_load_ms": engine_load_ms,
        "first_ms": first_ms,
        "memory_bytes": _less(resident, imported),
        "tokenizer_bytes": _less(beside, bare),
        "peak_bytes": _less(peak, imported),
        "runs_ms": runs_ms,
        **_changes(run_ms, resize),
    }


def _import_engine(model_file: Path, name: str | None) -> None:
    """Has the engine's package imported, by asking the engine for a file that isn't there.

    What else may be wrong, a missing package too, is for the load to say.
    """
    with contextlib.suppress(AlbertError, OSError):
        open_engine(model_file.with_stem("no-such-file"), name=name)


def _fit(
    session: albert_runtime.AlbertSession, settings: Settings
) -> tuple[tuple[int, ...], tuple[int, ...], list[str]]:
    """The lengths to run, the lengths to change between (or none), and what had to differ from the settings."""
    static, longest = session.manifest.sequence_length, session.max_length
    if static is not None:
        others = sorted({*settings.lengths} - {static})
        notes = [f"has one length, {static}; not run at {', '.join(map(str, others))}"] if others else []
        return (static,), (), notes
    too_long = sorted({length for length in (*settings.lengths, *settings.resize) if length > longest})
    notes = [f"takes {longest} tokens; run at that instead of {', '.join(map(str, too_long))}"] if too_long else []
    lengths = tuple(dict.fromkeys(min(length, longest) for length in settings.lengths))
    resize = tuple(dict.fromkeys(min(length, longest) for length in settings.resize))
    return lengths, resize if len(resize) == 2 else (), notes


def _inputs(session: albert_runtime.AlbertSession, batch: int, length: int) -> Arrays:
    """Full sequences of arbitrary words, two segments each; the same at every call."""
    sizes = {BATCH: batch, CHOICES: _CHOICES}
    shape = [sizes.get(axis, length) for axis in session.bundle.task.input_axes]
    words = np.random.default_rng(length).integers(len(SPECIAL_TOKENS), session.tokenizer.vocab_size, shape)
    segments = np.broadcast_to(np.arange(length) >= length // 2, shape)
    arrays = (words, np.ones(shape, np.int64), segments.astype(np.int64))
    return dict(zip(INPUT_NAMES, arrays, strict=True))


def _changes(run_ms: Callable[[int], float], resize: tuple[int, ...]) -> dict[str, list[float] | None]:
    if not resize:
        return {"grow_ms": None, "shrink_ms": None}
    first: dict[int, list[float]] = {length: [] for length in resize}
    steady: dict[int, list[float]] = {length: [] for length in resize}
    run_ms(max(resize))
    for _ in range(_CHANGES):
        for length in sorted(resize):
            first[length].append(run_ms(length))
            steady[length] += [run_ms(length) for _ in range(_STEADY_RUNS)]
    costs = {length: [one - statistics.median(steady[length]) for one in first[length]] for length in resize}
    return {"grow_ms": costs[max(resize)], "shrink_ms": costs[min(resize)]}


def _forget_peak() -> None:
    """Lets VmHWM begin anew, so that what an import needed for a moment does not count; see proc(5), clear_refs."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _memory() -> tuple[int | None, int | None]:
    """Resident bytes of this process, and the most there have been; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None, None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    resident, peak = (int(fields[name].split()[0]) * 1024 if name in fields else None for name in ("VmRSS", "VmHWM"))
    return resident, peak


def _less(bytes_: int | None, imported: int | None) -> int | None:
    return None if bytes_ is None or imported is None else bytes_ - imported


def main() -> None:
    """Answers the request in the first argument."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # engines talk on standard output too; only the answer may go there
    request = json.loads(sys.argv[1])
    try:
        record = measure(Path(request["bundle"]), Settings(**request["settings"]))
    except AlbertError as error:
        record = {"error": str(error), "exit_code": error.exit_code}
    with answer:
        json.dump(record, answer)


if __name__ == "__main__":
    main()
