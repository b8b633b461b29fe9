"""The command `albert-export list`: what can be typed for each option, read from the tables that the exports use."""

from __future__ import annotations

from typing import Any

import click

from albert_export.cli.options import json_option, print_json
from albert_runtime.errors import CheckpointError
from albert_runtime.precisions import PRECISION_ALIASES
from albert_runtime.tasks import TASKS

#: a row of a table: column -> text, list of texts, number or truth value
_Row = dict[str, Any]


@click.command(
    name="list",
    epilog="""\b
Examples:
  albert-export list
  albert-export list --json""",
)
@json_option
def list_choices(as_json: bool) -> None:
    """Show the demos, tasks, targets and precisions that there are."""
    tables = {"demos": _demos(), "tasks": _tasks(), "targets": _targets(), "precisions": _precisions()}
    if as_json:
        print_json(tables)
        return
    click.echo("\n\n".join(f"{name}:\n{_text_table(rows)}" for name, rows in tables.items()))


def _demos() -> list[_Row]:
    """The demo checkpoints of this installation."""
    from albert_export.demos import demo_checkpoint

    rows = []
    for name, task in TASKS.items():
        try:
            folder = demo_checkpoint(name)
        except CheckpointError:  # an installation may lack demos
            continue
        size = sum(file.stat().st_size for file in folder.iterdir())
        short = min((name, *task.aliases), key=len)
        rows.append({"demo": name, "export": f"albert-export onnx --task {short}", "bytes": size})
    return rows


def _tasks() -> list[_Row]:
    return [
        {
            "task": name,
            "aliases": list(task.aliases),
            "outputs": list(task.outputs),
            "heads": list(task.offered_heads),
            "class": task.architecture,
        }
        for name, task in TASKS.items()
    ]


def _targets() -> list[_Row]:
    from albert_export.targets import TARGETS

    return [
        {
            "command": "tflite",
            "target": name,
            "shapes": "static" if target.static else "dynamic or static",
            "default_precision": target.default_precision,
            "tasks": list(target.tasks),
        }
        for name, target in TARGETS.items()
    ]


def _precisions() -> list[_Row]:
    """A row for each precision of each format; a target may quantize the activations of int8 in another way."""
    from albert_export.export.onnx_exporter import ONNX_PRECISIONS, OnnxOptions
    from albert_export.targets import TARGETS

    graphs = [("onnx", "", dict(zip(ONNX_PRECISIONS, ONNX_PRECISIONS, strict=True)), OnnxOptions().precision)]
    graphs += [("tflite", name, dict(one.precisions), one.default_precision) for name, one in TARGETS.items()]
    return [
        {
            "command": command,
            "target": target,
            "precision": precision,
            "aliases": list(PRECISION_ALIASES.get(precision, ())),
            "default": precision == default,
            "graph": graph,
        }
        for command, target, precisions, default in graphs
        for precision, graph in precisions.items()
    ]


def _text_table(rows: list[_Row]) -> str:
    from albert_export.utils.text_table import render_table

    headings = [name.replace("_", " ") for name in rows[0]] if rows else []
    return render_table([[_cell(name, value) for name, value in row.items()] for row in rows], headings)


def _cell(name: str, value: Any) -> str:
    if name == "tasks" and set(value) == set(TASKS):
        return "all"
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, bool):
        return "default" if value else ""
    return f"{value:,}" if isinstance(value, int) else value or "-"
