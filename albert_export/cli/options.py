"""Options that several commands have, and what they choose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from albert_runtime.errors import UsageError
from albert_runtime.tasks import TASKS, find_task

_TASKS = ", ".join(f"{task.name} ({', '.join(task.aliases)})" for task in TASKS.values())

task_option = click.option("--task", metavar="TASK", help=f"One of: {_TASKS}. Default: the head of the checkpoint.")
model_option = click.option(
    "-m", "--model", type=click.Path(path_type=Path), metavar="FOLDER",
    help="A checkpoint, Hugging Face's or Google's. Default: the demo checkpoint of the task.",
)  # fmt: skip
output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER",
    help="The bundle to make. Default: here, named after the checkpoint, the format and the precision.",
)  # fmt: skip
random_head_option = click.option(
    "--allow-random-head", is_flag=True, help="Take an untrained head where the checkpoint has none."
)
force_option = click.option("--force", is_flag=True, help="Replace an older bundle at the output.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
quiet_option = click.option("--quiet", is_flag=True, help="No progress on standard error.")
calibration_option = click.option(
    "--calibration-data", type=click.Path(path_type=Path), metavar="FILE",
    help="Typical inputs, one a line, a tab between the texts of a pair: to find ranges and outliers by.  "
    "[default: a bundled corpus]",
)  # fmt: skip
eval_data_option = click.option(
    "--eval-data", type=click.Path(path_type=Path), metavar="FILE",
    help="Labelled examples that the exported graph must score on as the original does; see `evaluate --help`.",
)  # fmt: skip
max_drop_option = click.option(
    "--max-drop", type=float, metavar="POINTS",
    help="How many of 100 answers may differ from the original's, and by how many points the score on --eval-data may "
    "fall; 0 excuses no near tie either.  [default: 1, and 0.5]",
)  # fmt: skip


def chosen_checkpoint(model: Path | None, task: str | None) -> tuple[Path, str]:
    """The checkpoint that `--model` or `--task` names, and a name for what is made of it.

    Raises:
        UsageError: neither is given, or the task is unknown.
    """
    if model is not None:
        return model, model.resolve().name
    from albert_export.demos import demo_checkpoint

    if task is None:
        raise UsageError("say which model: --model FOLDER, or --task TASK for a demo checkpoint, e.g. --task qa")
    return demo_checkpoint(task), f"demo-{find_task(task).name}"


def print_json(value: Any) -> None:
    """Prints a result for programs."""
    click.echo(json.dumps(value, indent=2))
