"""The figures of the README: `python -m tools.figures` prints them as Markdown, peers measured in the same run.

A checkpoint of albert-base-v2's shape with random weights is exported for question answering and run at 128 tokens,
batch 1, with as many threads as there are cores. Each row runs in a process of its own. Memory is VmRSS after load and
one run, less VmRSS after the imports. Speeds are ratios worth reading; the milliseconds are this machine's.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

_LENGTH = 128
_VOCABULARY = Path(__file__).parents[1] / "tests" / "fixtures" / "albert" / "spiece.model"


def _memory() -> float:
    """Resident megabytes of this process (Linux)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def _measure(load: Callable[[], Callable[[], object]], runs: int) -> dict[str, float]:
    """Loads, runs once, then times `runs` runs. The imports must be done before."""
    before, start = _memory(), time.perf_counter()
    run = load()
    loaded = time.perf_counter() - start
    run()
    memory, times = _memory() - before, []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return {"load_ms": loaded * 1e3, "memory_mb": memory, "ms": median(times) * 1e3}


def _ids() -> list[list[int]]:
    return [[2, *range(100, 100 + _LENGTH - 2), 3]]


def measure_transformers(folder: str, runs: int) -> dict[str, float]:
    """Hugging Face's own model."""
    import torch
    from transformers import AlbertForQuestionAnswering

    inputs = {"input_ids": torch.tensor(_ids()), "attention_mask": torch.ones(1, _LENGTH, dtype=torch.long)}

    def load() -> Callable[[], object]:
        model = AlbertForQuestionAnswering.from_pretrained(folder).eval()

        def run() -> object:
            with torch.inference_mode():
                return model(**inputs)

        return run

    return _measure(load, runs)


def measure_session(file: str, runs: int) -> dict[str, float]:
    """An ONNX graph behind the runtime's engine."""
    import numpy as np

    import albert_runtime.engines.onnx_engine  # noqa: F401  imported before memory is measured
    from albert_runtime.engines import open_engine

    ids = np.array(_ids())
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}

    def load() -> Callable[[], object]:
        engine = open_engine(file)
        return lambda: engine.run(inputs)

    return _measure(load, runs)


_MEASURES = {"transformers": measure_transformers, "session": measure_session}


def _in_process(measure: str, target: Path, runs: int) -> dict[str, float]:
    """One row, measured in a fresh process."""
    command = [
        sys.executable,
        "-m",
        "tools.figures",
        "--measure",
        measure,
        "--target",
        str(target),
        "--runs",
        str(runs),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def _export(model: Path, output: Path, precision: str) -> float:
    """Seconds that the command takes, its start included."""
    command = [sys.executable, "-m", "albert_export", "onnx", "--model", str(model), "--output", str(output)]
    start = time.perf_counter()
    subprocess.run([*command, "--precision", precision, "--quiet"], check=True, capture_output=True)
    return time.perf_counter() - start


def table(name: str, runs: int) -> str:
    """The rows, as a Markdown table."""
    from albert_export import AlbertConfig, AlbertForQuestionAnswering

    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch, "checkpoint")
        AlbertForQuestionAnswering(AlbertConfig.from_name(name)).save_pretrained(model)
        shutil.copy(_VOCABULARY, model)
        weights = (model / "model.safetensors").stat().st_size
        rows = [("transformers, PyTorch", weights, None, _in_process("transformers", model, runs))]
        for precision in ("fp32", "fp16"):
            bundle = Path(scratch, precision)
            seconds = _export(model, bundle, precision)
            graph = bundle / "model.onnx"
            row = _in_process("session", graph, runs)
            rows.append((f"albert-export onnx --precision {precision}", graph.stat().st_size, seconds, row))
    base = rows[0][3]["ms"]
    lines = [
        "| | file MB | of the checkpoint | export s | load ms | memory MB | ms | speed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for label, size, seconds, row in rows:
        took = "" if seconds is None else f"{seconds:.1f}"
        lines.append(
            f"| {label} | {size / 1e6:.1f} | {size / weights:.3f} | {took} | {row['load_ms']:.0f} "
            f"| {row['memory_mb']:.0f} | {row['ms']:.0f} | {base / row['ms']:.1f}x |"
        )
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="albert-base-v2", help="a published size")
    parser.add_argument("--runs", type=int, default=20, help="timed runs of each row")
    parser.add_argument("--measure", choices=_MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--target", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(_MEASURES[options.measure](options.target, options.runs)))
        return
    print(f"{options.shape}'s shape, question answering, {_LENGTH} tokens, batch 1; {platform.machine()}, Linux\n")
    print(table(options.shape, options.runs))


if __name__ == "__main__":
    main()
