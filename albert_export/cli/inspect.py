"""The command `albert-export inspect`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from albert_export.cli.options import bundle_precision_option, json_option, print_json, reading_options
from albert_export.utils.terminal import steps

if TYPE_CHECKING:
    from albert_export.checkpoints import ReadOptions


@click.command(
    epilog="""\b
Examples:
  albert-export inspect my-albert-onnx
  albert-export inspect model.onnx --json
  albert-export inspect model.tflite
  albert-export inspect ./my-albert
  albert-export inspect albert/albert-base-v2"""
)
@click.argument("path", type=click.Path())
@bundle_precision_option
@reading_options
@json_option
def inspect(path: str, precision: str | None, as_json: bool, reading: ReadOptions) -> None:
    """Show what is in a bundle, an ONNX or TFLite file, or a checkpoint (also by its id on the hub)."""
    from albert_export.inspection import describe, inspect_path

    with steps(quiet=False) as progress:
        facts = inspect_path(path, reading, precision=precision, progress=progress)
    if as_json:
        print_json(facts)
    else:
        click.echo(describe(facts))
