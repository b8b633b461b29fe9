"""Measures one bundle in a process of its own: `python -m albert_export.bench.worker REQUEST`.

REQUEST is JSON, `{"bundle": FOLDER, "settings": {...}}`. The process prints one JSON object on standard output: the
figures, or an `error` with its `exit_code`. What is timed is `AlbertSession.run`, which takes and returns arrays;
tokenization is not timed.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import albert_runtime
from albert_export.bench.operations import count_operations
from albert_export.bench.settings import Settings
from albert_export.config import AlbertConfig
from albert_export.samples.token_ids import TokenSource
from albert_runtime.engines import Arrays, open_engine
from albert_runtime.errors import AlbertError
from albert_runtime.packed.path import BundlePath
from albert_runtime.session import session_class
from albert_runtime.tasks import BATCH, CHOICES, INPUT_NAMES

#: runs at each length before the timed ones
_WARM_UP_RUNS = 3
#: how often the sequence length grows and shrinks
_CHANGES = 5
#: runs after each change of the length, with which the first run is compared
_STEADY_RUNS = 3
#: choices of an example for multiple choice
_CHOICES = 2


def measure(folder: Path, settings: Settings) -> dict[str, Any]:
    """Load the bundle in `folder` once, run it, and return the figures as JSON types.

    Returns:
        `load_ms`: time to load a whole session, without the check of hashes and without the self-test.
        `engine_load_ms`: the part of it in which the engine loads the graph.
        `first_ms`: time of the first run, at the first length.
        `memory_bytes`: resident memory after the load and the first run, less that after the imports.
        `tokenizer_bytes`: the part of it that is not the engine's; nearly all of it is the tokenizer's vocabulary.
        `peak_bytes`: the largest resident memory until the runs at all lengths are done, less that after the imports.
        `runs_ms`: for each length, the times of all timed runs.
        `grow_ms` and `shrink_ms`: for each change of the length, the time of the first run after it less the median
            of the runs that follow; None for a graph of one length.
        `operations`: for each length, those of the matrix products of a run; see `operations.count_operations`.
        `task`, `precision`, `engine`, `file_bytes`: what was measured.
        `notes`: how the measurement differs from `settings`.

        The memory figures are None, with a note, on a system that does not report them.

    Raises:
        AlbertError: the bundle can't be loaded or does not accept such inputs.
    """
    bundle = albert_runtime.open_bundle(folder, check=False, precision=settings.precision)
    model_file = bundle.model_file
    session_class(bundle.task)  # `load` would import its module, and imports must not count as load time and memory
    _import_engine(model_file, settings.engine)
    _reset_peak_memory()
    imported, _ = _memory()

    start = time.perf_counter()
    engine = open_engine(model_file, threads=settings.threads, name=settings.engine)
    engine_load_ms = (time.perf_counter() - start) * 1e3
    with_engine, _ = _memory()
    session = albert_runtime.load(folder, verify=False, engine=engine, precision=settings.precision)
    load_ms = (time.perf_counter() - start) * 1e3
    with_tokenizer, _ = _memory()
    lengths, resize, notes = _supported_lengths(session, settings)
    batches = {length: _inputs(session, settings.batch, length) for length in {*lengths, *resize}}

    def run_ms(length: int) -> float:
        start = time.perf_counter()
        session.run(batches[length])
        return (time.perf_counter() - start) * 1e3

    first_ms = run_ms(lengths[0])
    resident, _ = _memory()
    runs_ms = {}
    for length in lengths:
        for _ in range(_WARM_UP_RUNS):
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
        "memory_bytes": _difference(resident, imported),
        "tokenizer_bytes": _difference(with_tokenizer, with_engine),
        "peak_bytes": _difference(peak, imported),
        "runs_ms": runs_ms,
        "operations": _operations(session, settings.batch, lengths),
        **_resize_times(run_ms, resize),
    }


def _import_engine(model_file: BundlePath, name: str | None) -> None:
    """Import the engine's package, by opening a file that does not exist.

    All errors are ignored: if the package is missing, the load itself raises an error that says so.
    """
    with contextlib.suppress(AlbertError, OSError):
        open_engine(f"no-such-file{model_file.suffix}", name=name)


def _supported_lengths(
    session: albert_runtime.AlbertSession, settings: Settings
) -> tuple[tuple[int, ...], tuple[int, ...], list[str]]:
    """Return the lengths to run, the two lengths to change between (or none), and notes on other lengths asked for."""
    static, longest = session.manifest.sequence_length, session.max_length
    if static is not None:
        others = sorted({*settings.lengths} - {static})
        notes = [f"has the one length {static}, so it was not run at {', '.join(map(str, others))}"] if others else []
        return (static,), (), notes
    too_long = sorted({length for length in (*settings.lengths, *settings.resize) if length > longest})
    notes = [f"accepts {longest} tokens; run at that instead of {', '.join(map(str, too_long))}"] if too_long else []
    lengths = tuple(dict.fromkeys(min(length, longest) for length in settings.lengths))
    resize = tuple(dict.fromkeys(min(length, longest) for length in settings.resize))
    return lengths, resize if len(resize) == 2 else (), notes


def _operations(session: albert_runtime.AlbertSession, batch: int, lengths: tuple[int, ...]) -> dict[int, int]:
    config, task = AlbertConfig.from_dict(session.bundle.config), session.manifest.graph_task
    sequences = batch * (_CHOICES if CHOICES in task.input_axes else 1)
    return {length: count_operations(config, task, sequences, length).total for length in lengths}


def _inputs(session: albert_runtime.AlbertSession, batch: int, length: int) -> Arrays:
    """Return sequences of random words without padding, in two segments of equal length; the same at every call."""
    sizes = {BATCH: batch, CHOICES: _CHOICES}
    shape = [sizes.get(axis, length) for axis in session.bundle.task.input_axes]
    random = np.random.default_rng(length)
    if session.manifest.has_tokenizer:
        ids = random.integers(len(session.tokenizer.special_tokens.contents), session.tokenizer.vocab_size, shape)
        types = (np.arange(length) >= length // 2).astype(np.int64)
    else:
        source = TokenSource.of_config(session.bundle.config)
        ids, types = random.choice(source.ids, shape), source.types(length)
    arrays = (ids, np.ones(shape, np.int64), np.broadcast_to(types, shape).copy())
    return dict(zip(INPUT_NAMES, arrays, strict=True))


def _resize_times(run_ms: Callable[[int], float], resize: tuple[int, ...]) -> dict[str, list[float] | None]:
    if not resize:
        return {"grow_ms": None, "shrink_ms": None}
    first: dict[int, list[float]] = {length: [] for length in resize}
    steady: dict[int, list[float]] = {length: [] for length in resize}
    run_ms(max(resize))
    for _ in range(_CHANGES):
        for length in sorted(resize):
            first[length].append(run_ms(length))
            steady[length] += [run_ms(length) for _ in range(_STEADY_RUNS)]
    extra = {length: [time_ms - statistics.median(steady[length]) for time_ms in first[length]] for length in resize}
    return {"grow_ms": extra[max(resize)], "shrink_ms": extra[min(resize)]}


def _reset_peak_memory() -> None:
    """Reset the peak VmHWM, so that memory which only the imports needed does not count; see clear_refs in proc(5)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _memory() -> tuple[int | None, int | None]:
    """Return the current and the peak resident bytes of this process; None on a system that does not report them."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None, None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    resident, peak = (int(fields[name].split()[0]) * 1024 if name in fields else None for name in ("VmRSS", "VmHWM"))
    return resident, peak


def _difference(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before


def main() -> None:
    """Measure what the first argument requests, and print the record on standard output."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # engines print messages on standard output too, which may hold nothing but the record
    request = json.loads(sys.argv[1])
    try:
        record = measure(Path(request["bundle"]), Settings(**request["settings"]))
    except AlbertError as error:
        record = {"error": str(error), "exit_code": error.exit_code}
    with output:
        json.dump(record, output)


if __name__ == "__main__":
    main()
