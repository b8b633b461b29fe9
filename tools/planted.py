"""What outliers leave of the answers: `python -m tools.planted` prints a Markdown table.

Each demo checkpoint gets planted outliers (docs/outliers.md), is exported in every format and precision with what its
owner would have (labelled examples and typical inputs), and is asked other held-out examples. An answer counts as equal
where it is that of an fp32 ONNX bundle of the same planted checkpoint; every difference counts, near ties too.
Embeddings are equal as `decisions.agree` says. The peer is what ONNX Runtime's `quantize_dynamic` makes of that fp32
file with its defaults and 8-bit weights.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from albert_export.demos import demo_checkpoint
from albert_export.evaluation.decisions import Decision, decide
from albert_export.export import Exported, export_onnx, export_tflite
from albert_export.export.onnx_exporter import PROCESSORS
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_export.verification.agreement import NEAR_TIE, SAME_DIRECTION, agree, near_tie
from albert_runtime import AlbertSession, load
from albert_runtime.errors import AlbertError, UsageError
from albert_runtime.tasks import TASKS, find_task
from tools.plant_outliers import plant
from tools.train_demos.catalogue import DEMOS
from tools.train_demos.evaluation import new_examples
from tools.train_demos.example import Example
from tools.train_demos.labelled_files import DEMO_FILES, write_demo_file

#: format -> what exports it
EXPORTS: dict[str, Callable[..., Exported]] = {"onnx": export_onnx, "tflite": export_tflite}
_PEER = "ORT quantize_dynamic"
#: of the examples: neither the training's nor its evaluation's
_SEED = 3
#: for an export to calibrate and to judge by
_OWN = 200
#: precision -> points of 100 answers that it may lose; four bits are given more
_MAX_DROPS = {"int4": 2.0}
_PLANTING = re.compile(r"(ffn|value|hidden)(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Row:
    """One way to quantize one planted checkpoint, and the answers that it gives."""

    task: str
    planting: str
    form: str
    examples: int
    #: answers that are not those of fp32, and how many of these are near ties
    different: int = 0
    ties: int = 0
    #: of the model file
    size: int = 0
    #: of the manifest: what the export measured, and the recipes that it tried
    fidelity: dict[str, Any] = field(default_factory=dict)
    #: why there is no bundle
    refused: str = ""

    @property
    def share(self) -> float | None:
        """Answers equal to those of fp32, 0 to 1; None where there is no bundle."""
        return None if self.refused else 1 - self.different / self.examples

    @property
    def decided(self) -> float | None:
        """The same, but for answers that fp32 itself was undecided about."""
        return None if self.refused else 1 - (self.different - self.ties) / self.examples

    @property
    def recipe(self) -> str:
        """The recipe that the export settled on; empty where there was no choice."""
        ladder = self.fidelity.get("ladder", [])
        return str(ladder[-1]["recipe"]) if ladder else ""


def parse_planting(text: str) -> dict[str, float]:
    """The arguments of `plant` for a planting such as "ffn60" or "ffn60+value30"; of "none", nothing is planted.

    Raises:
        UsageError: it is no planting.
    """
    if text == "none":
        return {}
    found = [_PLANTING.fullmatch(part) for part in text.split("+")]
    if not all(found):
        raise UsageError(f"{text!r} is no planting; give none, ffn60, value30, hidden20, or several like ffn60+value30")
    return {match[1]: float(match[2]) for match in found if match}


def requests(task: str, count: int) -> list[dict[str, Any]]:
    """Held-out examples of a demo, as keyword arguments of a session's call."""
    return [example.inputs for example in new_examples(DEMOS[task], held_out=True, count=count, seed=_SEED)]


def decisions(session: AlbertSession, asked: Sequence[dict[str, Any]]) -> list[Decision]:
    """What `session` decides on each request."""
    return [decide(session, request) for request in asked]


def differing(expected: Sequence[Decision], got: Sequence[Decision]) -> tuple[int, int]:
    """How many decisions differ, and how many of these were near ties."""
    unequal = [(left, right) for left, right in zip(expected, got, strict=True) if not agree(left, right)]
    return len(unequal), sum(near_tie(left, right, NEAR_TIE) for left, right in unequal)


def quantize_with_onnxruntime(bundle: Path, output: Path) -> None:
    """A copy of an fp32 ONNX bundle whose model went through `quantize_dynamic`; its manifest is as it was."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    shutil.copytree(bundle, output)
    with suppressed_native_stderr():
        quantize_dynamic(bundle / "model.onnx", output / "model.onnx", weight_type=QuantType.QInt8)


def rows(
    task: str, planting: str, forms: Sequence[tuple[str, str]], count: int, scratch: Path, processor: str | None = None
) -> Iterator[Row]:
    """A row for each (format, precision) of a demo with a planting, and one for the peer.

    `processor` is the one that ONNX's int8 weights are for.
    """
    amounts = parse_planting(planting)
    checkpoint = demo_checkpoint(task)
    if amounts:
        checkpoint = plant(checkpoint, scratch / "checkpoint", **amounts)  # type: ignore[arg-type]
    asked = requests(task, count)
    own = own_data(task, scratch)
    export_onnx(checkpoint, scratch / "fp32", task=task)
    expected = decisions(load(scratch / "fp32", threads=1), asked)

    def measured(form: str, bundle: Path) -> Row:
        session = load(bundle, threads=1, verify=False)
        size, fidelity = session.bundle.model_file.stat().st_size, session.manifest.fidelity
        return Row(task, planting, form, count, *differing(expected, decisions(session, asked)), size, fidelity)

    for file_format, precision in forms:
        form, bundle = f"{file_format} {precision}", scratch / f"{file_format}-{precision}"
        options: dict[str, Any] = {}
        if precision != "fp32":
            options = {**own, "max_drop": _MAX_DROPS.get(precision)}
        if processor and file_format == "onnx" and precision.startswith("int8"):
            options["processor"], form = processor, f"{form} --{processor}"
        try:
            EXPORTS[file_format](checkpoint, bundle, task=task, precision=precision, **options)
        except AlbertError as error:
            yield Row(task, planting, form, count, refused=str(error).splitlines()[0])
        else:
            yield measured(form, bundle)
    quantize_with_onnxruntime(scratch / "fp32", scratch / "peer")
    yield measured(_PEER, scratch / "peer")


def own_data(task: str, folder: Path) -> dict[str, Path]:
    """What the owner of a model has, for the export to go by: texts of the kind that is asked here, but others.

    They are typical inputs, and labelled examples where the task has a metric, as options of an export.
    """
    seed = _SEED + 1
    examples = new_examples(DEMOS[task], held_out=True, count=_OWN, seed=seed)
    texts = folder / "texts.txt"
    texts.write_text("".join(f"{_as_line(example)}\n" for example in examples), encoding="utf-8")
    if task not in DEMO_FILES:
        return {"calibration_data": texts}
    return {"calibration_data": texts, "eval_data": write_demo_file(folder, task, _OWN, seed, held_out=True)}


def _as_line(example: Example) -> str:
    """The texts of an example as a line of calibration data."""
    inputs = example.inputs
    texts = [text for text in inputs.values() if isinstance(text, str)] + inputs.get("choices", [])[:1]
    return "\t".join(texts[:2]).replace("\n", " ")


def table(found: Sequence[Row]) -> str:
    """The rows as Markdown: tasks down, forms across, a table for each planting; then what was refused, and why."""
    plantings = list(dict.fromkeys(row.planting for row in found))
    lines = []
    for planting in plantings:
        lines += _grid(planting, [row for row in found if row.planting == planting], _cell)
    if len(plantings) > 1:
        lowest: dict[tuple[str, str], Row] = {}
        for row in sorted(found, key=lambda row: (row.share or 0.0, row.decided or 0.0)):
            lowest.setdefault((row.task, row.form), row)
        lines += _grid(f"the lowest of {', '.join(plantings)}", [lowest[row.task, row.form] for row in found], _shares)
    lines += [f"- {row.task}, {row.planting}, {row.form}: {row.refused}" for row in found if row.refused]
    if any(row.task == "feature-extraction" for row in found):
        lines += ["", f"feature-extraction: embeddings are equal from a cosine of {SAME_DIRECTION} on."]
    return "\n".join(lines).rstrip()


def _grid(title: str, found: Sequence[Row], cell: Callable[[Row], str]) -> list[str]:
    forms = list(dict.fromkeys(row.form for row in found))
    cells = {(row.task, row.form): cell(row) for row in found}
    lines = [f"| {title} | {' | '.join(forms)} |", "|---" * (len(forms) + 1) + "|"]
    for task in dict.fromkeys(row.task for row in found):
        lines.append(f"| {task} | {' | '.join(cells[task, form] for form in forms)} |")
    return [*lines, ""]


def _shares(row: Row) -> str:
    """Share of equal answers, with near ties and without."""
    if row.share is None or row.decided is None:
        return "refused"
    ties = f", {100 * row.decided:.1f}% but for near ties" if row.ties else ""
    return f"{100 * row.share:.1f}%{ties}"


def _cell(row: Row) -> str:
    """The shares, size, and the recipe that the export settled on."""
    about = "; ".join(filter(None, (f"{row.size / 1e3:.0f} kB", row.recipe)))
    return _shares(row) if row.refused else f"{_shares(row)} ({about})"


def _listed(kind: str, known: Sequence[str], text: str) -> list[str]:
    names = text.split(",")
    wrong = [name for name in names if name not in known]
    if wrong:
        raise UsageError(f"{kind} {', '.join(map(repr, wrong))} is not one of {', '.join(known)}")
    return names


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.planted", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default=",".join(TASKS), help="names or aliases; all by default")
    parser.add_argument("--formats", default=",".join(EXPORTS), help=f"{','.join(EXPORTS)} by default")
    parser.add_argument("--precisions", default="int8,int4", help="int8,int4 by default")
    parser.add_argument("--processor", choices=[name for name in PROCESSORS if name], help="that ONNX's int8 is for")
    parser.add_argument("--plantings", default="ffn20,ffn60,value30,hidden20", help="%(default)s by default")
    parser.add_argument("--examples", type=int, default=200, help="of each task (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also writes all rows there")
    options = parser.parse_args(arguments)
    try:
        tasks = [find_task(name).name for name in options.tasks.split(",")]
        formats = _listed("format", tuple(EXPORTS), options.formats)
        plantings = options.plantings.split(",")
        for planting in plantings:
            parse_planting(planting)
        if options.examples < 1:
            raise UsageError(f"--examples is {options.examples}, and must be 1 or more")
        forms = [(one, precision) for one in formats for precision in options.precisions.split(",")]
        found: list[Row] = []
        for task in tasks:
            for planting in plantings:
                print(f"{task}, {planting}", file=sys.stderr)
                with tempfile.TemporaryDirectory() as scratch:
                    found += rows(task, planting, forms, options.examples, Path(scratch), options.processor)
    except AlbertError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if options.json:
        options.json.write_text(json.dumps([{**asdict(row), "share": row.share} for row in found], indent=2) + "\n")
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
