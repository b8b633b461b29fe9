"""The cost of splitting outlier channels off: `python -m tools.split_cost` prints the ratio of latencies.

The tool exports a checkpoint of a published shape with random weights in int8 twice: as it is, and with planted
outliers (docs/outliers.md), which the second export splits off. The two graphs run in turn with 128 tokens on one
thread, so that other load on the machine affects both equally. The result is the median of the ratios of neighbouring
runs.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from albert_runtime import load
from tools.figures import make_checkpoint
from tools.latency_ratio import compare_latencies, token_ids
from tools.outlier_benchmark import EXPORTS
from tools.plant_outliers import plant

_LENGTH = 128


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.split_cost", description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="albert-base-v2", help="a published size")
    parser.add_argument(
        "--ffn", type=float, default=60.0, help="activation of the planted FFN units, in ordinary ranges"
    )
    parser.add_argument("--runs", type=int, default=100, help="number of runs of each graph")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = Path(scratch, "checkpoint")
        make_checkpoint(options.shape, checkpoint)
        planted = plant(checkpoint, Path(scratch, "planted"), ffn=options.ffn)
        print("| int8 | ms | ms, with the split | ratio | recipe |\n|---|---|---|---|---|")
        for name, export in EXPORTS.items():
            bundles = [Path(scratch, f"{name}-{folder.name}") for folder in (checkpoint, planted)]
            for folder, bundle in zip((checkpoint, planted), bundles, strict=True):
                exported = export(folder, bundle, task="question-answering", precision="int8")
            plain, split = (load(bundle, threads=1, verify=False) for bundle in bundles)
            before, after, ratio = compare_latencies(plain, split, token_ids(_LENGTH), options.runs)
            recipe = exported.manifest.quantized["recipe"]
            print(f"| {name} | {before:.1f} | {after:.1f} | {ratio:.3f} | {recipe} |", flush=True)


if __name__ == "__main__":
    main()
