"""The command `albert-export inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from albert_export.cli.options import bundle_precision_option, json_option, print_json, reading_options

if TYPE_CHECKING:
    from albert_export.checkpoints import ReadOptions


@click.command(
    epilog="""\b
Examples:
  albert-export inspect my-albert-onnx
  albert-export inspect model.onnx --json
  albert-export inspect model.tflite
  albert-export inspect ./my-albert"""
)
@click.argument("path", type=click.Path(path_type=Path))
@bundle_precision_option
@reading_options
@json_option
def inspect(path: Path, precision: str | None, as_json: bool, reading: ReadOptions) -> None:
    """Show what is in a bundle, an ONNX or TFLite file, or a checkpoint."""
    from albert_export.inspection import describe, inspect_path

    facts = inspect_path(path, reading, precision=precision)
    if as_json:
        print_json(facts)
    else:
        click.echo(describe(facts))
