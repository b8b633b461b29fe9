"""The commands `albert-export pack` and `albert-export unpack`."""

from __future__ import annotations

from pathlib import Path

import click

_force = click.option("--force", is_flag=True, help="Replace what is at the output already.")


@click.command(
    epilog="""\b
Examples:
  albert-export pack my-albert-onnx-int8
  albert-export pack my-albert-onnx-int8 -o models/reader.albert --force
\b
albert_runtime, the library for Android and the one for JavaScript open the file as they open the
folder, and every command here that takes a bundle takes it too."""
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE.albert",
    help="The new file. Default: beside the folder, with its name.",
)  # fmt: skip
@_force
def pack(bundle: Path, output: Path | None, force: bool) -> None:
    """Write a bundle into one file, from which it is used as it is."""
    from albert_converters.packed_writer import pack_bundle

    file = pack_bundle(bundle, output, force=force)
    click.echo(f"{file} ({file.stat().st_size:,} bytes)")


@click.command(
    epilog="""\b
Example:
  albert-export unpack my-albert-onnx-int8.albert -o my-albert-onnx-int8"""
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER", required=True, help="The new folder."
)
@_force
def unpack(file: Path, output: Path, force: bool) -> None:
    """Write the files of a packed bundle to a folder, as they were."""
    from albert_converters.packed_writer import unpack_bundle

    click.echo(unpack_bundle(file, output, force=force))
