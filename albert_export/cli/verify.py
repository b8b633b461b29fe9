"""The command `albert-export verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from albert_export.cli.options import bundle_precision_option, json_option, print_json, quiet_option, reading_options
from albert_export.utils.terminal import steps

if TYPE_CHECKING:
    from albert_export.checkpoints import ReadOptions


@click.command(
    epilog="""\b
Examples:
  albert-export verify my-albert-onnx --model ./my-albert
  albert-export verify my-albert-tflite-int8 --model ./my-albert --json
  albert-export verify my-albert-tflite-int8 --model my-albert-onnx
\b
The exit code is 6 if a difference exceeds its tolerance; the table lists all such differences."""
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "-m", "--model", type=click.Path(), metavar="FOLDER",
    help="The checkpoint that the bundle was made from, its id on the hub, or another bundle of it. "
    "Default: the demo checkpoint.",
)  # fmt: skip
@click.option("--engine", metavar="NAME", help="What runs the bundle.  [default: the first that is installed]")
@bundle_precision_option
@reading_options
@quiet_option
@json_option
def verify(
    bundle: Path,
    model: str | None,
    engine: str | None,
    precision: str | None,
    quiet: bool,
    as_json: bool,
    reading: ReadOptions,
) -> None:
    """Compare a bundle with its checkpoint, or another bundle: tokens, tensors, answers."""
    from albert_export.verification.verify import verify_bundle

    original: str | Path | None = model
    if original is None:
        from albert_export.demos import demo_checkpoint
        from albert_runtime import open_bundle

        original = demo_checkpoint(open_bundle(bundle, check=False).manifest.task)
    with steps(quiet) as progress:
        report = verify_bundle(bundle, original, engine=engine, precision=precision, reading=reading, progress=progress)
    if as_json:
        print_json(report.to_dict())
    elif report.passed:
        click.echo(report.table())
    report.raise_if_failed()
