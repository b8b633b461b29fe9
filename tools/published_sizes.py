"""Time, memory and file size of exports of all published sizes: `python -m tools.published_sizes` prints a table.

The tool makes a checkpoint with random weights for question answering in the shape of each published checkpoint, and
exports it to ONNX and TFLite, in int8 or in the precision that is given. Each export runs in a process of its own, one
after another. Linux only, since it reads /proc.

- `frameworks MB` is VmRSS after the frameworks have been imported and have exported a tiny model, which loads the code
  and the tables that they need for every export. The checkpoint is read after that.
- `peak MB` is VmHWM, the highest resident memory of the process, and `over MB` is what it is above the frameworks; the
  ratio compares that with the bytes of the checkpoint. Resident memory includes the pages of files that are mapped.
- `texts` is the number of texts on which the answers were compared, which is smaller for a model that is slow.
- `CPU s` is the time that all threads computed for the export, and `s` is the time on the clock, which other programs
  of the machine can make longer.
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
from typing import Any

import numpy as np

from albert_converters.extras import quantizer_module

_VOCABULARY = Path(__file__).parents[1] / "tests" / "fixtures" / "albert" / "spiece.model"
#: format -> the modules that an export to it imports
_IMPORTS = {
    "onnx": ("torch", "torch.export", "torch._dynamo", "onnx", "onnxruntime"),
    "tflite": ("tensorflow", "keras", "ai_edge_litert.interpreter", f"{quantizer_module()}.quantizer"),
}
_HEADINGS = (
    "shape", "checkpoint MB", "format", "file MB", "CPU s", "s", "frameworks MB", "peak MB", "over MB", "ratio", "texts"
)  # fmt: skip
_TINY = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32, "num_hidden_layers": 2}


def make_checkpoint(config: Any, folder: Path) -> None:
    """Writes a checkpoint with random weights in the shape that `config` says.

    As after training, no bias is 0 and no LayerNorm weight is 1, since converters remove such weights.
    """
    from albert_export.checkpoints import write_checkpoint

    config.architectures = ["AlbertForQuestionAnswering"]
    random = np.random.default_rng(0)
    # wider layers have smaller weights, so that each layer has as much effect as in the base size
    scale = np.float32(0.02 * np.sqrt(768 / config.hidden_size))
    weights = {
        key: random.standard_normal(shape, np.float32) * scale + np.float32(key.lower().endswith("norm.weight"))
        for key, shape in _shapes(config).items()
    }
    write_checkpoint(folder, config, weights, vocab_file=_VOCABULARY)


def _shapes(config: Any) -> dict[str, tuple[int, ...]]:
    """The shape of each weight of a model for question answering."""
    import torch

    from albert_export import AlbertForQuestionAnswering

    with torch.device("meta"):
        model = AlbertForQuestionAnswering(config)
    return {name: tuple(weight.shape) for name, weight in model.named_weights().items()}


def export(model: Path, model_format: str, output: Path, precision: str) -> dict[str, Any]:
    """Exports in this process, and returns its figures."""
    import importlib

    for module in _IMPORTS[model_format]:
        importlib.import_module(module)
    from albert_export import AlbertConfig, export_onnx, export_tflite

    run = export_onnx if model_format == "onnx" else export_tflite
    # the answers of random weights are arbitrary, so that none must stay
    options: dict[str, Any] = {"task": "question-answering", "precision": precision, "max_drop": 100}
    make_checkpoint(AlbertConfig(**_TINY), output.with_name("tiny"))
    run(output.with_name("tiny"), output.with_name("tiny-bundle"), **options)
    before = _memory("VmRSS")
    _reset_peak()
    steps: list[tuple[str, float]] = []
    started, computed, step = time.perf_counter(), time.process_time(), "start"

    def progress(line: str) -> None:
        nonlocal step
        steps.append((step, _memory("VmHWM")))
        _reset_peak()
        step = line
        print(f"{time.perf_counter() - started:7.1f} s {_memory('VmRSS'):7.0f} MB  {line}", file=sys.stderr, flush=True)

    exported = run(model, output, progress=progress, **options)
    steps.append((step, _memory("VmHWM")))
    for name, peak in steps:
        print(f"{peak:7.0f} MB at most while: {name}", file=sys.stderr)
    [graph] = output.glob("model.*")
    return {
        "before_mb": before,
        "texts": exported.manifest.recipe_search["trials"][-1]["texts"],
        "peak_mb": max(peak for _, peak in steps),
        "cpu_s": time.process_time() - computed,
        "s": time.perf_counter() - started,
        "file_mb": graph.stat().st_size / 1e6,
    }


def _memory(field: str) -> float:
    """A field of this process's memory in megabytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024 / 1e6


def _reset_peak() -> None:
    """Sets VmHWM to the memory that is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


def export_apart(checkpoint: Path, model_format: str, scratch: Path, precision: str = "int8") -> dict[str, Any]:
    """What `export` returns in a process of its own, the size of the checkpoint and the ratio of the memory to it."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        command = [sys.executable, "-m", "tools.published_sizes", "--precision", precision]
        command += ["--export", str(checkpoint), model_format, folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    got: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    got["checkpoint_mb"] = (checkpoint / "model.safetensors").stat().st_size / 1e6
    got["over_mb"] = got["peak_mb"] - got["before_mb"]
    got["ratio"] = got["over_mb"] / got["checkpoint_mb"]
    return got


def measure(name: str, formats: list[str], scratch: Path, precision: str) -> list[str]:
    """The rows of the table for one shape."""
    from albert_export import AlbertConfig

    checkpoint = scratch / name
    if not checkpoint.is_dir():
        make_checkpoint(AlbertConfig.from_name(name), checkpoint)
    rows = []
    for model_format in formats:
        got = export_apart(checkpoint, model_format, scratch, precision)
        whole = (round(got[key]) for key in ("cpu_s", "s", "before_mb", "peak_mb", "over_mb"))
        cells = [name, f"{got['checkpoint_mb']:.0f}", model_format]
        cells += [f"{number:.4g}" for number in (got["file_mb"], *whole)]
        cells += [f"{got['ratio']:.1f}", str(got["texts"])]
        rows.append(f"| {' | '.join(cells)} |")
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Runs the command line."""
    from albert_export.config import PUBLISHED

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", default=list(PUBLISHED), choices=list(PUBLISHED), metavar="NAME")
    parser.add_argument("--formats", nargs="+", default=list(_IMPORTS), choices=list(_IMPORTS))
    parser.add_argument("--precision", default="int8", choices=["int8", "int4"])
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the checkpoints there, or take them from there"
    )
    parser.add_argument("--export", nargs=3, metavar=("CHECKPOINT", "FORMAT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.export:
        checkpoint, model_format, folder = options.export
        print(json.dumps(export(Path(checkpoint), model_format, Path(folder) / "bundle", options.precision)))
        return
    scratch = options.keep or Path(tempfile.mkdtemp())
    try:
        rows = [row for name in options.shapes for row in measure(name, options.formats, scratch, options.precision)]
    finally:
        if not options.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    print("\n".join([f"| {' | '.join(_HEADINGS)} |", "|---" * len(_HEADINGS) + "|", *rows]))


if __name__ == "__main__":
    main()
