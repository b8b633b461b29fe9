"""How many answers stay the same if a model has outliers: `python -m tools.outlier_benchmark` prints Markdown tables.

The benchmark plants outliers (docs/outliers.md) into each demo checkpoint and exports it in every format and precision.
The exports get data that the owner of such a model would have: labelled examples and typical inputs. Then each bundle
answers other held-out examples. An answer counts as equal if an fp32 ONNX bundle of the same planted checkpoint gives
it too; near ties count as differences. `decisions.agree` compares embeddings. The peer is the file that ONNX Runtime's
`quantize_dynamic` makes of that fp32 file with its defaults and 8-bit weights.
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
from tools.train_demos.demo import Example
from tools.train_demos.evaluation import new_examples
from tools.train_demos.labelled_files import DEMO_FILES, write_demo_file
from tools.train_demos.registry import DEMOS

#: format -> the function that exports it
EXPORTS: dict[str, Callable[..., Exported]] = {"onnx": export_onnx, "tflite": export_tflite}
_PEER = "ORT quantize_dynamic"
#: of the examples: training and its evaluation use other seeds
_SEED = 3
#: the number of examples that an export gets for calibration and for its accuracy check
_OWNER_EXAMPLES = 200
#: precision -> how many of 100 answers it may lose, where that is not the default
_MAX_DROPS = {"int4": 2.0}
_PLANTING = re.compile(r"(ffn|value|hidden)(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Row:
    """The answers of one export of one planted checkpoint."""

    task: str
    planting: str
    #: format and precision, such as "onnx int8"
    export: str
    examples: int
    #: the number of answers that differ from those of fp32, and how many of these are near ties
    different: int = 0
    ties: int = 0
    #: bytes of the model file
    size: int = 0
    #: from the manifest: what the export measured, and the recipes that it tried
    recipe_search: dict[str, Any] = field(default_factory=dict)
    #: the reason why there is no bundle
    refused: str = ""

    @property
    def share(self) -> float | None:
        """The share of answers that are equal to those of fp32, 0 to 1; None if there is no bundle."""
        return None if self.refused else 1 - self.different / self.examples

    @property
    def share_without_ties(self) -> float | None:
        """The same share if answers that are near ties in fp32 count as equal."""
        return None if self.refused else 1 - (self.different - self.ties) / self.examples

    @property
    def recipe(self) -> str:
        """The recipe that the export chose; empty if it had no choice."""
        trials = self.recipe_search.get("trials", [])
        return str(trials[-1]["recipe"]) if trials else ""


def parse_planting(text: str) -> dict[str, float]:
    """The arguments of `plant` for a planting such as "ffn60" or "ffn60+value30"; "none" gives no arguments.

    Raises:
        UsageError: the text is no planting.
    """
    if text == "none":
        return {}
    found = [_PLANTING.fullmatch(part) for part in text.split("+")]
    if not all(found):
        raise UsageError(f"{text!r} is no planting; give none, ffn60, value30, hidden20, or several like ffn60+value30")
    return {match[1]: float(match[2]) for match in found if match}


def requests(task: str, count: int) -> list[dict[str, Any]]:
    """Held-out examples of a demo, each as keyword arguments of a session's call."""
    return [example.inputs for example in new_examples(DEMOS[task], held_out=True, count=count, seed=_SEED)]


def decisions(session: AlbertSession, asked: Sequence[dict[str, Any]]) -> list[Decision]:
    """The decision of `session` on each request."""
    return [decide(session, request) for request in asked]


def count_differences(expected: Sequence[Decision], got: Sequence[Decision]) -> tuple[int, int]:
    """The number of decisions that differ, and how many of these are near ties."""
    unequal = [(left, right) for left, right in zip(expected, got, strict=True) if not agree(left, right)]
    return len(unequal), sum(near_tie(left, right, NEAR_TIE) for left, right in unequal)


def quantize_with_onnxruntime(bundle: Path, output: Path) -> None:
    """Copies an fp32 ONNX bundle to `output`, and quantizes the copy's model with `quantize_dynamic`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    shutil.copytree(bundle, output)
    with suppressed_native_stderr():
        quantize_dynamic(bundle / "model.onnx", output / "model.onnx", weight_type=QuantType.QInt8)


def measure_exports(
    task: str,
    planting: str,
    exports: Sequence[tuple[str, str]],
    count: int,
    scratch: Path,
    processor: str | None = None,
) -> Iterator[Row]:
    """The rows of one demo with one planting: one for each export, and one for the peer.

    Args:
        task: the task of the demo.
        planting: as `parse_planting` reads it.
        exports: the (format, precision) pairs to measure.
        count: the number of examples to ask.
        scratch: an empty folder.
        processor: the processor that ONNX's int8 weights are for.
    """
    amounts = parse_planting(planting)
    checkpoint = demo_checkpoint(task)
    if amounts:
        checkpoint = plant(checkpoint, scratch / "checkpoint", **amounts)  # type: ignore[arg-type]
    asked = requests(task, count)
    owned = owner_data(task, scratch)
    export_onnx(checkpoint, scratch / "fp32", task=task)
    expected = decisions(load(scratch / "fp32", threads=1), asked)

    def measured(export: str, bundle: Path) -> Row:
        session = load(bundle, threads=1, verify=False)
        size, recipe_search = session.bundle.model_file.stat().st_size, session.manifest.recipe_search
        differences = count_differences(expected, decisions(session, asked))
        return Row(task, planting, export, count, *differences, size, recipe_search)

    for file_format, precision in exports:
        export, bundle = f"{file_format} {precision}", scratch / f"{file_format}-{precision}"
        options: dict[str, Any] = {}
        if precision != "fp32":
            options = {**owned, "max_drop": _MAX_DROPS.get(precision)}
        if processor and file_format == "onnx" and precision.startswith("int8"):
            options["processor"], export = processor, f"{export} --{processor}"
        try:
            EXPORTS[file_format](checkpoint, bundle, task=task, precision=precision, **options)
        except AlbertError as error:
            yield Row(task, planting, export, count, refused=str(error).splitlines()[0])
        else:
            yield measured(export, bundle)
    quantize_with_onnxruntime(scratch / "fp32", scratch / "peer")
    yield measured(_PEER, scratch / "peer")


def owner_data(task: str, folder: Path) -> dict[str, Path]:
    """The data that the owner of a model would have, as options of an export.

    These are typical inputs, and labelled examples if the task has a metric. The texts are of the same kind as those of
    the benchmark, but none of them is asked there.
    """
    seed = _SEED + 1
    examples = new_examples(DEMOS[task], held_out=True, count=_OWNER_EXAMPLES, seed=seed)
    texts = folder / "texts.txt"
    texts.write_text("".join(f"{_as_line(example)}\n" for example in examples), encoding="utf-8")
    if task not in DEMO_FILES:
        return {"calibration_data": texts}
    return {"calibration_data": texts, "eval_data": write_demo_file(folder, task, _OWNER_EXAMPLES, seed, held_out=True)}


def _as_line(example: Example) -> str:
    """The texts of an example as one line of calibration data."""
    inputs = example.inputs
    texts = [text for text in inputs.values() if isinstance(text, str)] + inputs.get("choices", [])[:1]
    return "\t".join(texts[:2]).replace("\n", " ")


def table(found: Sequence[Row]) -> str:
    """The rows as Markdown: a table of tasks and exports for each planting, then the reasons of refused exports."""
    plantings = list(dict.fromkeys(row.planting for row in found))
    lines = []
    for planting in plantings:
        lines += _grid(planting, [row for row in found if row.planting == planting], _cell)
    if len(plantings) > 1:
        lowest: dict[tuple[str, str], Row] = {}
        for row in sorted(found, key=lambda row: (row.share or 0.0, row.share_without_ties or 0.0)):
            lowest.setdefault((row.task, row.export), row)
        lines += _grid(
            f"the lowest of {', '.join(plantings)}", [lowest[row.task, row.export] for row in found], _shares
        )
    lines += [f"- {row.task}, {row.planting}, {row.export}: {row.refused}" for row in found if row.refused]
    if any(row.task == "feature-extraction" for row in found):
        lines += ["", f"feature-extraction: embeddings are equal from a cosine of {SAME_DIRECTION} on."]
    return "\n".join(lines).rstrip()


def _grid(title: str, found: Sequence[Row], cell: Callable[[Row], str]) -> list[str]:
    exports = list(dict.fromkeys(row.export for row in found))
    cells = {(row.task, row.export): cell(row) for row in found}
    lines = [f"| {title} | {' | '.join(exports)} |", "|---" * (len(exports) + 1) + "|"]
    for task in dict.fromkeys(row.task for row in found):
        lines.append(f"| {task} | {' | '.join(cells[task, export] for export in exports)} |")
    return [*lines, ""]


def _shares(row: Row) -> str:
    """The share of equal answers, with near ties and without."""
    if row.share is None or row.share_without_ties is None:
        return "refused"
    ties = f", {100 * row.share_without_ties:.1f}% but for near ties" if row.ties else ""
    return f"{100 * row.share:.1f}%{ties}"


def _cell(row: Row) -> str:
    """The shares, the size, and the recipe that the export chose."""
    about = "; ".join(filter(None, (f"{row.size / 1e3:.0f} kB", row.recipe)))
    return _shares(row) if row.refused else f"{_shares(row)} ({about})"


def _split_names(kind: str, known: Sequence[str], text: str) -> list[str]:
    """The names in a comma-separated list, all of which must be known."""
    names = text.split(",")
    wrong = [name for name in names if name not in known]
    if wrong:
        raise UsageError(f"{kind} {', '.join(map(repr, wrong))} is not one of {', '.join(known)}")
    return names


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.outlier_benchmark", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tasks", default=",".join(TASKS), help="names or aliases, separated by commas; all by default"
    )
    parser.add_argument("--formats", default=",".join(EXPORTS), help=f"{','.join(EXPORTS)} by default")
    parser.add_argument("--precisions", default="int8,int4", help="int8,int4 by default")
    parser.add_argument(
        "--processor",
        choices=[name for name in PROCESSORS if name],
        help="the processor that ONNX's int8 weights are for",
    )
    parser.add_argument("--plantings", default="ffn20,ffn60,value30,hidden20", help="%(default)s by default")
    parser.add_argument("--examples", type=int, default=200, help="number of examples for each task (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all rows to this file")
    options = parser.parse_args(arguments)
    try:
        tasks = [find_task(name).name for name in options.tasks.split(",")]
        formats = _split_names("format", tuple(EXPORTS), options.formats)
        plantings = options.plantings.split(",")
        for planting in plantings:
            parse_planting(planting)
        if options.examples < 1:
            raise UsageError(f"--examples is {options.examples}, and must be 1 or more")
        exports = [(one, precision) for one in formats for precision in options.precisions.split(",")]
        found: list[Row] = []
        for task in tasks:
            for planting in plantings:
                print(f"{task}, {planting}", file=sys.stderr)
                with tempfile.TemporaryDirectory() as scratch:
                    found += measure_exports(
                        task, planting, exports, options.examples, Path(scratch), options.processor
                    )
    except AlbertError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if options.json:
        options.json.write_text(json.dumps([{**asdict(row), "share": row.share} for row in found], indent=2) + "\n")
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
