"""The ratio of two bundles' latencies: `chrt -r 10 python -m tools.latency_ratio BUNDLE OTHER` prints a table.

The two graphs run in turn in one process, so that other load on the machine affects both equally; the result is the
median of the ratios of neighbouring runs. Each figure comes from several processes, because where the weights lie in
memory differs between them, and the graph that is loaded first changes from one to the next.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from albert_runtime import open_engine
from albert_runtime.tasks import INPUT_NAMES

WARM_UP = 3


class Runner(Protocol):
    """An engine or a session."""

    def run(self, inputs: dict[str, NDArray[Any]], /) -> Any:
        """Compute the outputs."""


class Comparison(NamedTuple):
    """The median milliseconds of two graphs, and the median of the ratios of neighbouring runs, second by first."""

    first: float
    second: float
    ratio: float


def token_ids(length: int) -> dict[str, NDArray[Any]]:
    """The inputs of one sequence without padding, int64 `[1, length]`."""
    arrays: dict[str, NDArray[Any]] = {name: np.full((1, length), name != "token_type_ids") for name in INPUT_NAMES}
    arrays["input_ids"] = np.arange(length)[None] % 1000
    return {name: array.astype(np.int64) for name, array in arrays.items()}


def compare_latencies(first: Runner, second: Runner, inputs: dict[str, NDArray[Any]], runs: int) -> Comparison:
    """Run both in turn, `runs` times each, after a few runs that do not count."""
    seconds = np.empty((runs + WARM_UP, 2))
    for run in range(len(seconds)):
        for which in ((0, 1), (1, 0))[run % 2]:
            start = time.perf_counter()
            (first, second)[which].run(inputs)
            seconds[run, which] = time.perf_counter() - start
    seconds = seconds[WARM_UP:]
    milliseconds = 1e3 * np.median(seconds, axis=0)
    return Comparison(float(milliseconds[0]), float(milliseconds[1]), float(np.median(seconds[:, 1] / seconds[:, 0])))


def compare_files(files: tuple[Path, Path], length: int, threads: int, runs: int, reverse: bool) -> Comparison:
    """Compare two graph files; with `reverse`, the second one is loaded first."""
    engines = [open_engine(file, threads=threads) for file in files[:: -1 if reverse else 1]]
    first, second = engines[:: -1 if reverse else 1]
    return compare_latencies(first, second, token_ids(length), runs)


def graph_file(bundle: Path) -> Path:
    """The graph of a bundle's folder, or the file itself."""
    found = [file for name in ("model.onnx", "model.tflite") if (file := bundle / name).is_file()]
    return found[0] if found else bundle


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.latency_ratio", description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs=2, type=Path, metavar="BUNDLE", help="two bundles, or two graph files")
    parser.add_argument("--lengths", type=int, nargs="+", default=[32, 128, 384], help="numbers of tokens")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="numbers of threads of one run")
    parser.add_argument("--runs", type=int, default=15, help="number of timed runs in each process")
    parser.add_argument("--rounds", type=int, default=4, help="number of processes for each figure")
    options = parser.parse_args()
    first, second = map(graph_file, options.bundles)
    names = [bundle.name for bundle in options.bundles]
    print(f"| tokens | threads | {names[0]} ms | {names[1]} ms | ratio | of all processes |\n|---|---|---|---|---|---|")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, max_tasks_per_child=1) as processes:
        for threads in options.threads:
            for length in options.lengths:
                found = [
                    processes.submit(compare_files, (first, second), length, threads, options.runs, bool(turn % 2))
                    for turn in range(options.rounds)
                ]
                results = [one.result() for one in found]
                ratios = [one.ratio for one in results]
                print(
                    f"| {length} | {threads} | {median(one.first for one in results):.1f} | "
                    f"{median(one.second for one in results):.1f} | {median(ratios):.2f} | "
                    f"{min(ratios):.2f} to {max(ratios):.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
