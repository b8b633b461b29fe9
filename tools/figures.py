"""The figures of README.md and docs/performance.md: `python -m tools.figures` measures and prints them as Markdown.

The tool exports a checkpoint of albert-base-v2's shape with random weights for question answering in every format and
precision, and measures the bundles and the peers that are installed as `albert-export bench` does, in one run. It
writes the report as `figures.json` and as the page `figures.html`. The ratios of speed hold on similar machines; the
milliseconds hold on this machine only.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from albert_export.bench.measurement import Measurement
from albert_export.bench.page.writing import write_page
from albert_export.bench.peer_processes import Against
from albert_export.bench.peers.catalog import PEERS
from albert_export.bench.report import BenchReport, ResourceBudget
from albert_export.bench.runner import run_bench
from albert_export.bench.settings import PEER_LENGTHS, Settings
from tools.figure_tables import limit_table, machine_line, not_measured, small_table, whole_table

#: the length in tokens of the tables with one
_LENGTH = 128
_VOCABULARY = Path(__file__).parents[1] / "tests" / "fixtures" / "albert" / "spiece.model"
#: name of a bundle -> the command that makes it; other converters make unrolled graphs
_COMMANDS = {
    "onnx-fp32": "onnx --precision fp32",
    "onnx-fp16": "onnx --precision fp16",
    "onnx-int8": "onnx --precision int8",
    "onnx-int4": "onnx --precision int4",
    "onnx-int8-static": "onnx --precision int8-static",
    "tflite-fp32-unrolled": "tflite --precision fp32 --graph unrolled",
    "tflite-int8-unrolled": "tflite --precision int8 --graph unrolled",
    "tflite-fp32": "tflite --precision fp32",
    "tflite-fp16": "tflite --precision fp16",
    "tflite-int8": "tflite --precision int8",
    "tflite-int4": "tflite --precision int4",
    "tflite-int8-static": "tflite --precision int8-static",
}
#: the bundles in the README
_FEW = ("onnx-fp32", "onnx-int8", "tflite-int8", "tflite-int4")
_SECONDS_FILE = "export-seconds.json"


def memory() -> float:
    """The resident memory of this process in megabytes (Linux)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


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


def make_bundles(shape: str, folder: Path) -> dict[str, float]:
    """Makes the checkpoint and the bundles that `folder` lacks; returns the seconds of each export, by its path."""
    checkpoint, record = folder / "checkpoint", folder / _SECONDS_FILE
    if not checkpoint.is_dir():
        make_checkpoint(shape, folder / "checkpoint.part")
        (folder / "checkpoint.part").rename(checkpoint)
    seconds: dict[str, float] = json.loads(record.read_text()) if record.is_file() else {}
    for name, command in _COMMANDS.items():
        if not (folder / name).is_dir():
            print(f"albert-export {command}", file=sys.stderr)
            seconds[name] = _export(command, checkpoint, folder / name)
            record.write_text(json.dumps(seconds, indent=2))
    return {str(folder / name): taken for name, taken in seconds.items()}


def measure(folder: Path, settings: Settings, peers: tuple[str, ...], python: str) -> BenchReport:
    """Measures the bundles in `folder`, the peers, and the limit of the processor before them and after them."""

    def progress(line: str) -> None:
        print(line, file=sys.stderr)

    against = Against(folder / "checkpoint", peers, python) if peers else None
    bundles = [folder / name for name in _COMMANDS]
    return run_bench(bundles, settings, against=against, with_limit=True, progress=progress)


def markdown(report: BenchReport, shape: str, export_s: dict[str, float]) -> str:
    """The tables of README.md and docs/performance.md, with the model and the machine above each."""

    def label(one: Measurement) -> str:
        return one.name if one.kind == "peer" else _COMMANDS[Path(one.name).name]

    few = [one.name for one in report.measurements if Path(one.name).name in _FEW]
    about = f"{shape}'s shape, question answering; {machine_line(report)}"
    tables = {
        "README.md": small_table(report, label, _LENGTH, few),
        f"docs/performance.md, {_LENGTH} tokens": whole_table(report, label, _LENGTH, export_s),
        "docs/performance.md, against the limit": limit_table(report, label),
    }
    blocks = [f"{title}\n\n{about}\n\n{table}" for title, table in tables.items()]
    return "\n\n".join([*blocks, *not_measured(report)])


@contextlib.contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is None:
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch)
    else:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="albert-base-v2", help="a published size")
    parser.add_argument("--folder", type=Path, help="keeps checkpoint and bundles, and takes those that it has already")
    parser.add_argument("--output", type=Path, default=Path(), help="the folder of figures.json and figures.html")
    parser.add_argument("--runs", type=int, default=10, help="number of timed runs at each length in each round")
    parser.add_argument("--rounds", type=int, default=2, help="number of processes for each row")
    parser.add_argument(
        "--peers", default=",".join(PEERS), help="names with commas, or nothing; default: all installed"
    )
    parser.add_argument("--peer-python", default=sys.executable, help="the Python in which the peers are installed")
    options = parser.parse_args()
    peers = tuple(filter(None, options.peers.split(",")))
    settings = Settings(lengths=tuple(PEER_LENGTHS), runs=options.runs, rounds=options.rounds)
    with _folder(options.folder) as folder:
        export_s = make_bundles(options.shape, folder)
        report = measure(folder, settings, peers, options.peer_python)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "figures.json").write_text(json.dumps(report.to_dict(), indent=2), encoding="utf-8")
    write_page(report, options.output / "figures.html")
    print(markdown(report, options.shape, export_s))
    report.raise_if_failed(ResourceBudget())


if __name__ == "__main__":
    main()
