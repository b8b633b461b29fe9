"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

from albert_runtime.tasks import TASKS

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
    "--allow-random-head", is_flag=True, help="Export an untrained head where the checkpoint has none."
)
force_option = click.option("--force", is_flag=True, help="Replace an older bundle at the output.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
quiet_option = click.option("--quiet", is_flag=True, help="No progress on standard error.")
