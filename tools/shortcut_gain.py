"""What the exact shortcuts of the graphs gain: `python -m tools.shortcut_gain` prints a table.

For each shortcut, the tool exports a checkpoint of a published shape with random weights twice, without the shortcut
and with it, and `albert-export bench` measures both in turn. The answers of both are the same.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from albert_export.bench.report import BenchReport, Measurement, ResourceBudget
from albert_export.bench.runner import run_bench
from albert_export.bench.settings import Settings
from albert_export.export import export_onnx, export_tflite
from albert_export.tasks import TASK_SPECS
from tools.figures import make_checkpoint

#: a graph's name -> how it is exported
_EXPORTS: dict[str, Callable[..., object]] = {
    "onnx": export_onnx,
    "tflite": export_tflite,
    "tflite unrolled": lambda model, output, **options: export_tflite(model, output, graph="unrolled", **options),
}


@contextlib.contextmanager
def _all_tokens(task: str) -> Iterator[None]:
    """Within the block, graphs for `task` compute every token in the last layer."""
    row = dataclasses.replace(TASK_SPECS[task], first_token_only=False)
    with mock.patch.dict(TASK_SPECS, {task: row}):
        yield


@dataclasses.dataclass(frozen=True)
class Shortcut:
    """A shortcut of the graphs of one task."""

    task: str
    #: the class of the checkpoint
    architecture: str
    #: within its block, exports for the task are without the shortcut
    without: Callable[[str], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    #: what an export with the shortcut is given besides
    options: dict[str, str] = dataclasses.field(default_factory=dict)


SHORTCUTS = {
    "first token in the last layer": Shortcut("text-classification", "AlbertForSequenceClassification", _all_tokens),
    "order of two texts alone": Shortcut("pretraining", "AlbertForPreTraining", options={"head": "sentence-order"}),
    # random ids have no mask, so that the graph is asked for one place
    "one masked position": Shortcut("fill-mask", "AlbertForMaskedLM", options={"head": "masked"}),
}


def export_pair(
    shortcut: Shortcut, export: Callable[..., object], checkpoint: Path, folder: Path, precision: str
) -> tuple[Path, Path]:
    """Writes the bundles `without` and `with` into `folder`, and returns their folders."""
    # the answers of random weights are arbitrary, so that none must stay
    options: dict[str, Any] = {"precision": precision} | ({} if precision == "fp32" else {"max_drop": 100})
    plain, short = folder / "without", folder / "with"
    with shortcut.without(shortcut.task):
        export(checkpoint, plain, task=shortcut.task, **options)
    export(checkpoint, short, task=shortcut.task, **options, **shortcut.options)
    return plain, short


def rows(graph: str, report: BenchReport) -> Iterator[str]:
    """A row of the table for each length, from the report on the bundles without and with the shortcut."""
    plain, short = report.measurements
    for length, before in plain.latency_ms.items():
        after = short.latency_ms[length]
        gain = 1 - after.median / before.median
        yield (
            f"| {graph} | {length} | {before.median:.1f} | {after.median:.1f} | {100 * gain:.1f}% "
            f"| {_megabytes(plain)} | {_megabytes(short)} |"
        )


def _megabytes(one: Measurement) -> str:
    return "" if one.memory_bytes is None else f"{one.memory_bytes.median / 1e6:.1f}"


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.shortcut_gain", description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="albert-base-v2", help="a published size")
    parser.add_argument("--shortcut", default=",".join(SHORTCUTS), help="shortcuts, with commas between them")
    parser.add_argument("--precision", default="fp32,int8", help="precisions, with commas between them")
    parser.add_argument("--graphs", default=",".join(_EXPORTS), help="graphs, with commas between them")
    parser.add_argument("--lengths", default="32,128,384", help="tokens, with commas between them")
    parser.add_argument("--runs", type=int, default=20, help="number of timed runs for each bundle in each round")
    parser.add_argument("--rounds", type=int, default=5, help="number of processes for each bundle")
    parser.add_argument("--threads", type=int, help="threads of the engine")
    options = parser.parse_args()
    lengths = tuple(map(int, options.lengths.split(",")))
    settings = Settings(lengths=lengths, runs=options.runs, rounds=options.rounds, threads=options.threads)
    for name in options.shortcut.split(","):
        shortcut = SHORTCUTS[name]
        print(f"{name}, {shortcut.task}\n")
        print("| graph | tokens | ms without | ms with | gain | MB without | MB with |\n|---|---|---|---|---|---|---|")
        with tempfile.TemporaryDirectory() as scratch:
            checkpoint = Path(scratch, "checkpoint")
            make_checkpoint(options.shape, checkpoint, shortcut.architecture)
            for graph in options.graphs.split(","):
                for precision in options.precision.split(","):
                    pair = export_pair(
                        shortcut, _EXPORTS[graph], checkpoint, Path(scratch, graph, precision), precision
                    )
                    report = run_bench(pair, settings)
                    report.raise_if_failed(ResourceBudget())
                    print(*rows(f"{graph} {precision}", report), sep="\n", flush=True)
        machine = report.machine
        print(f"\n{machine['cpu']}, {machine['usable_cores']} cores, {' '.join(machine['cpu_flags'])}", file=sys.stderr)


if __name__ == "__main__":
    main()
