"""LiteRT's CompiledModel against its Interpreter: `python -m tools.compiled_model BUNDLE...` prints the tables.

The two interfaces run a TFLite bundle's graph in turn, in processes of their own, so that other load on the machine
affects both equally; the order in which they were loaded changes from process to process, because the one that was
loaded second often finds better memory. Pairs of two Interpreters show how much of a ratio is chance. CompiledModel is
used as `examples/compiled_model.py` uses it. For stable figures: `chrt -r 10 python -m tools.compiled_model ...`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from albert_runtime import Engine, open_engine
from tools import latency_ratio
from tools.figures import memory
from tools.latency_ratio import token_ids


def _open(kind: str, file: Path, threads: int, weight_cache: str = "") -> Engine:
    """The Interpreter ("I"), or CompiledModel ("C")."""
    if kind == "I":
        return open_engine(file, threads=threads, name="litert")
    from examples.compiled_model import CompiledModelEngine

    return CompiledModelEngine(file, threads=threads, weight_cache=weight_cache)


def compare_latencies(file: Path, order: str, length: int, *, threads: int, runs: int) -> dict[str, Any]:
    """The median milliseconds of the two engines of `order` ("IC", "CI", "II"), and whether their outputs are equal.

    "ratio" is the median of the ratios of neighbouring runs, the first engine's time by the second one's.
    """
    engines = [_open(kind, file, threads) for kind in order]
    inputs = token_ids(length)
    found = latency_ratio.compare_latencies(engines[1], engines[0], inputs, runs)
    first, second = (engine.run(inputs) for engine in engines)
    return {
        "ms": [found.second, found.first],
        "ratio": found.ratio,
        "equal": all(bool(np.array_equal(first[name], second[name])) for name in first),
    }


def measure_resources(file: Path, kind: str, length: int, *, threads: int, weight_cache: str = "") -> dict[str, float]:
    """Milliseconds to load, megabytes after a run, and the longest wait of another Python thread during three runs."""
    if kind == "I":
        import ai_edge_litert.interpreter  # noqa: F401
    else:
        import examples.compiled_model  # noqa: F401
    before, start = memory(), time.perf_counter()
    engine = _open(kind, file, threads, weight_cache)
    load = time.perf_counter() - start
    engine.run(token_ids(length))
    used = memory() - before
    gaps, over = [0.0], threading.Event()

    def tick() -> None:
        last = time.perf_counter()
        while not over.wait(0.001):
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    ticker = threading.Thread(target=tick)
    ticker.start()
    start = time.perf_counter()
    for _ in range(3):
        engine.run(token_ids(length))
    run = (time.perf_counter() - start) / 3
    over.set()
    ticker.join()
    return {"load": 1e3 * load, "memory": used, "run": 1e3 * run, "wait": 1e3 * max(gaps)}


def _in_process(function: str, file: Path, *arguments: object, **options: object) -> Any:
    """The result of a function of this module in a process of its own; None if the process ended with an error."""
    request = json.dumps({"function": function, "file": str(file), "arguments": arguments, "options": options})
    done = subprocess.run(
        [sys.executable, "-m", "tools.compiled_model", "--request", request],
        check=False,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def _latency_row(bundle: Path, length: int, options: argparse.Namespace) -> str | None:
    """The ratios of all rounds, above 1 where CompiledModel is faster; None if the graph does not take this length."""
    file, settings = bundle / "model.tflite", {"threads": options.threads, "runs": options.runs}
    pairs = []
    for turn in range(options.rounds):
        order = ("IC", "CI")[turn % 2]
        found = _in_process("compare_latencies", file, order, length, **settings)
        if found is None:
            return None
        flip = -1 if order == "CI" else 1
        pairs.append((found["ms"][::flip], found["ratio"] ** flip, found["equal"]))
    chance = [_in_process("compare_latencies", file, "II", length, **settings)["ratio"] for _ in range(options.rounds)]
    ratios = [ratio for _, ratio, _ in pairs]
    one, other = (median(milliseconds[which] for milliseconds, _, _ in pairs) for which in (0, 1))
    return (
        f"| {bundle.name} | {length} | {one:.1f} | {other:.1f} | {median(ratios):.2f} ({min(ratios):.2f} to "
        f"{max(ratios):.2f}) | {median(chance):.2f} ({min(chance):.2f} to {max(chance):.2f}) | "
        f"{'yes' if all(equal for *_, equal in pairs) else 'no'} |"
    )


def _resource_row(bundle: Path, length: int, options: argparse.Namespace) -> str:
    columns = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, cache in (("I", ""), ("C", ""), ("C", str(Path(folder, "weights")))):
            found = [
                _in_process(
                    "measure_resources",
                    bundle / "model.tflite",
                    kind,
                    length,
                    threads=options.threads,
                    weight_cache=cache,
                )
                for _ in range(options.rounds + bool(cache))
            ][bool(cache) :]  # the first process with a cache writes it
            columns.append([f"{median(one[name] for one in found):.0f}" for name in ("load", "memory", "run", "wait")])
    return f"| {bundle.name} | " + " | ".join(" / ".join(cells) for cells in zip(*columns, strict=True)) + " |"


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.compiled_model", description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs="*", type=Path, metavar="BUNDLE", help="folders of TFLite bundles")
    parser.add_argument("--lengths", type=int, nargs="+", default=[32, 128, 384], help="numbers of tokens")
    parser.add_argument("--threads", type=int, default=1, help="number of threads of one run")
    parser.add_argument("--runs", type=int, default=9, help="number of timed runs in each process")
    parser.add_argument("--rounds", type=int, default=4, help="number of processes for each figure")
    parser.add_argument("--request", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.request:
        request = json.loads(options.request)
        function = globals()[request["function"]]
        print(json.dumps(function(Path(request["file"]), *request["arguments"], **request["options"])))
        return
    print("| bundle | tokens | Interpreter ms | CompiledModel ms | ratio | two Interpreters | same bits |")
    print("|---|---|---|---|---|---|---|")
    for bundle in options.bundles:
        for length in options.lengths:
            row = _latency_row(bundle, length, options)
            if row is not None:
                print(row, flush=True)
    print("\nInterpreter / CompiledModel / CompiledModel with a cache of weights\n")
    print("| bundle | load ms | memory MB | run ms | longest wait of another thread, ms |")
    print("|---|---|---|---|---|")
    for bundle in options.bundles:
        manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        length = manifest["sequence_length"] or min(128, manifest["max_length"])
        print(_resource_row(bundle, length, options), flush=True)


if __name__ == "__main__":
    main()
