"""The option `--dry-run`, and how what an export would make is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from albert_export.export.pipeline import Exported
    from albert_export.export.preview import ExportPreview

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Read the checkpoint, check everything, and say what would be made. Write nothing."
)


def preview_if(dry_run: bool, export: Callable[..., Exported]) -> Callable[..., Exported | ExportPreview]:
    """`export`, or a function of the same arguments that only says what it would make."""
    from albert_export.export.preview import preview_export

    return functools.partial(preview_export, export) if dry_run else export


def described_preview(preview: ExportPreview) -> str:
    """The preview in lines of text."""
    from albert_export.utils.text_table import render_table

    graph = preview.graph
    engine = f"opset {graph.opset}" if graph.opset else f"target {graph.target}, {graph.graph}"
    size = preview.estimated_model_bytes
    rows = [
        ("model", str(preview.model)),
        ("task", f"{preview.task}, {preview.architecture}"),
        ("labels", ", ".join(preview.labels) or "-"),
        ("graph", f"{graph.model_file}, {preview.precision}, {engine}"),
        *(("input", f"{name} {_axes(axes)}") for name, axes in preview.inputs.items()),
        *(("output", f"{name} {_axes(axes)}") for name, axes in preview.outputs.items()),
        ("tokens", f"{'exactly' if graph.sequence_length else 'up to'} {preview.max_length}"),
        ("size", f"about {size / 1e6:.1f} MB, and {preview.other_bytes / 1e6:.1f} MB of other files"),
        ("files", ", ".join(preview.files)),
        ("recipes", ", then ".join(preview.recipes)),
    ]
    return f"{preview.bundle} would be made; nothing was written\n{render_table([('', *row) for row in rows])}"


def _axes(axes: tuple[str | int, ...]) -> str:
    return f"[{', '.join(map(str, axes))}]"
