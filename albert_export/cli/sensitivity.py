"""The command `albert-export sensitivity`. It imports the analysis only when it runs, so that its help is quick."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from albert_export.cli.completion import complete_precision
from albert_export.cli.options import (
    calibration_option,
    chosen_checkpoint,
    json_option,
    model_option,
    print_json,
    quiet_option,
    random_head_option,
    reading_options,
    task_option,
)
from albert_export.utils.terminal import steps

if TYPE_CHECKING:
    from albert_export.checkpoints import ReadOptions


@click.command(
    epilog="""\b
Examples:
  albert-export sensitivity --task qa
  albert-export sensitivity --model ./my-albert --plot sensitivity.png
  albert-export sensitivity --model ./my-albert --precision int4 --calibration-data my-inputs.txt --limit 32 --json
\b
Precisions:
  int8  weights with a scale for each output channel; inputs with a range for each run
  int4  weights of 4 bits with a scale for each 64 inputs of a channel; inputs of 8 bits with a scale
        for each token; layers outside the shared layers and the pooler are int8, as in an export
\b
A base-sized model takes a minute or two on two cores. Nothing is exported. An export chooses a recipe
against these errors by itself: see `albert-export onnx --help`."""
)
@task_option
@model_option
@click.option("--precision", default="int8", show_default=True, metavar="[int8|int4]",
              shell_complete=complete_precision, help="See below.")  # fmt: skip
@calibration_option
@click.option("--limit", type=click.IntRange(min=1), default=8, show_default=True, metavar="N",
              help="The number of texts to run.")  # fmt: skip
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE",
              help="Draw a heat map, layers by passes: .png or .svg.")  # fmt: skip
@random_head_option
@reading_options
@quiet_option
@json_option
def sensitivity(
    task: str | None,
    model: str | None,
    precision: str,
    calibration_data: Path | None,
    limit: int,
    plot: Path | None,
    allow_random_head: bool,
    quiet: bool,
    as_json: bool,
    reading: ReadOptions,
) -> None:
    """Show how much quantizing each layer, in each pass, changes the outputs."""
    from albert_export.checkpoints.checkpoint import choose_task
    from albert_export.hub import load_checkpoint
    from albert_export.quantization.calibration import read_calibration_texts
    from albert_export.reference.registry import build_reference
    from albert_export.sensitivity.analysis import scan, scannable_precision, typical_inputs
    from albert_export.sensitivity.heat_map import refuse_plot, write_heat_map
    from albert_export.sensitivity.table import print_sensitivity

    precision = scannable_precision(precision)
    if plot is not None:
        refuse_plot(plot)
    model_or_folder, name = chosen_checkpoint(model, task)
    texts = None if calibration_data is None else read_calibration_texts(calibration_data)
    with steps(quiet) as progress:
        progress("reading the model")
        checkpoint = load_checkpoint(model_or_folder, reading, progress=progress)
        chosen = choose_task(checkpoint, task)
        samples = typical_inputs(checkpoint, chosen, texts, limit=limit)
        reference = build_reference(checkpoint, chosen.name, allow_random_head=allow_random_head)
        found = scan(reference, chosen, samples, precision, progress=progress)
    if as_json:
        print_json({"model": str(checkpoint.folder), **found.to_dict()})
    else:
        print_sensitivity(
            found, shlex.join(_export(model, task, precision, calibration_data, allow_random_head, reading))
        )
    if plot is not None:  # the plot comes last, so that a full disk does not lose the figures
        write_heat_map(found, plot, f"{name}: {found.task}, {precision}")


def _export(
    model: str | None,
    task: str | None,
    precision: str,
    calibration_data: Path | None,
    allow_random_head: bool,
    reading: ReadOptions,
) -> list[str]:
    """Return the command that exports the same model in the same precision."""
    chosen = [*(["--model", model] if model else []), *(["--task", task] if task else [])]
    texts = ["--calibration-data", str(calibration_data)] if calibration_data else []
    head = ["--allow-random-head"] if allow_random_head else []
    return ["albert-export", "onnx", *chosen, "--precision", precision, *texts, *head, *reading.as_arguments()]
