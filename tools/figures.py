"""The figures of the README: `python -m tools.figures` prints them as Markdown, with peers measured in the same run.

The tool exports a checkpoint of albert-base-v2's shape with random weights for question answering in every format and
precision. It runs each bundle as `albert-export bench` does, with 128 tokens, batch 1, and as many threads as there are
cores. Each row runs in processes of its own. Memory is VmRSS after load and one run, minus VmRSS after the imports. The
ratios of speed hold on similar machines; the milliseconds hold on this machine only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from albert_export.bench.report import Measurement, ResourceBudget
from albert_export.bench.runner import run_bench
from albert_export.bench.worker import Settings

_LENGTH = 128
_VOCABULARY = Path(__file__).parents[1] / "tests" / "fixtures" / "albert" / "spiece.model"
#: the commands whose bundles are compared; other converters make unrolled graphs
_COMMANDS = (
    "onnx --precision fp32",
    "onnx --precision fp16",
    "onnx --precision int8",
    "onnx --precision int4",
    "onnx --precision int8-static",
    "tflite --precision fp32 --graph unrolled",
    "tflite --precision int8 --graph unrolled",
    "tflite --precision fp32",
    "tflite --precision fp16",
    "tflite --precision int8",
    "tflite --precision int4",
    "tflite --precision int8-static",
)


def memory() -> float:
    """The resident memory of this process in megabytes (Linux)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def measure_transformers(folder: str, runs: int) -> dict[str, float]:
    """Load time, memory and latency of Hugging Face's own model."""
    import torch
    from transformers import AlbertForQuestionAnswering

    ids = torch.tensor([[2, *range(100, 100 + _LENGTH - 2), 3]])
    inputs = {"input_ids": ids, "attention_mask": torch.ones(1, _LENGTH, dtype=torch.long)}
    before, start = memory(), time.perf_counter()
    model = AlbertForQuestionAnswering.from_pretrained(folder).eval()
    loaded = time.perf_counter() - start
    times = []
    with torch.inference_mode():
        model(**inputs)
        used = memory() - before
        for _ in range(runs):
            start = time.perf_counter()
            model(**inputs)
            times.append(time.perf_counter() - start)
    return {"load_ms": loaded * 1e3, "memory_mb": used, "ms": median(times) * 1e3}


def _measure_transformers_in_subprocess(model: Path, runs: int) -> dict[str, float]:
    """The result of `measure_transformers` in a new process."""
    command = [sys.executable, "-m", "tools.figures", "--measure", str(model), "--runs", str(runs)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def make_checkpoint(name: str, folder: Path, architecture: str = "AlbertForQuestionAnswering") -> None:
    """Writes a checkpoint of the class `architecture` with random weights in the shape of the published one, `name`.

    As after training, no bias is 0 and no LayerNorm weight is 1, since converters remove such weights.
    """
    import torch

    import albert_export

    torch.manual_seed(0)
    model = getattr(albert_export, architecture)(albert_export.AlbertConfig.from_name(name))
    with torch.no_grad():
        for vector in (weight for weight in model.parameters() if weight.dim() == 1):
            vector += 0.02 * torch.randn_like(vector)
    model.save_pretrained(folder)
    shutil.copy(_VOCABULARY, folder)


def _export(command: str, model: Path, output: Path) -> float:
    """Runs one export command; returns its seconds, including the start of Python."""
    full = [sys.executable, "-m", "albert_export", *command.split(), "--model", str(model), "--output", str(output)]
    if "fp32" not in command:
        full += ["--max-drop", "100"]  # the answers of random weights are arbitrary, so that none must stay
    start = time.perf_counter()
    subprocess.run([*full, "--quiet"], check=True, capture_output=True)
    return time.perf_counter() - start


def table(name: str, settings: Settings) -> str:
    """The Markdown table of all rows, with the model and the machine above it."""
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch, "checkpoint")
        make_checkpoint(name, model)
        weights = (model / "model.safetensors").stat().st_size
        bundles = [Path(scratch, command.replace(" ", "")) for command in _COMMANDS]
        seconds = [_export(command, model, bundle) for command, bundle in zip(_COMMANDS, bundles, strict=True)]
        report = run_bench(bundles, settings)
        peer = _measure_transformers_in_subprocess(model, settings.runs)
    report.raise_if_failed(ResourceBudget())
    lines = [
        "| | file MB | export s | load ms (graph) | memory MB | ms | speed | resize ms |",
        "|---|---|---|---|---|---|---|---|",
        f"| transformers, PyTorch | {weights / 1e6:.1f} |  | {peer['load_ms']:.0f} | {peer['memory_mb']:.0f} "
        f"| {peer['ms']:.0f} | 1.0x |  |",
    ]
    for command, took, one in zip(_COMMANDS, seconds, report.measurements, strict=True):
        lines.append(_row(command, took, one, peer["ms"]))
    machine = report.machine
    host = f"{machine['cpu']}, {machine['cores']} cores, {' '.join(machine['cpu_flags'])}"
    return "\n".join([f"{name}'s shape, question answering, {_LENGTH} tokens, batch 1; {host}", "", *lines])


def _row(command: str, took: float, one: Measurement, peer_ms: float) -> str:
    resize = max((figure.median for figure in (one.grow_ms, one.shrink_ms) if figure is not None), default=None)
    memory = "" if one.memory_bytes is None else f"{one.memory_bytes.median / 1e6:.0f}"
    latency = one.latency_ms[_LENGTH].median
    return (
        f"| {command} | {one.file_bytes / 1e6:.1f} | {took:.0f} "
        f"| {one.load_ms.median:.0f} ({one.engine_load_ms.median:.0f}) | {memory} "
        f"| {latency:.0f} | {peer_ms / latency:.1f}x | {'' if resize is None else f'{resize:.1f}'} |"
    )


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="albert-base-v2", help="a published size")
    parser.add_argument("--runs", type=int, default=20, help="number of timed runs for each row in each round")
    parser.add_argument("--rounds", type=int, default=3, help="number of processes for each row")
    parser.add_argument("--measure", metavar="CHECKPOINT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure_transformers(options.measure, options.runs)))
        return
    print(table(options.shape, Settings(lengths=(_LENGTH,), runs=options.runs, rounds=options.rounds)))


if __name__ == "__main__":
    main()
