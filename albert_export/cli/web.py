"""The command `albert-export web`."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import click

from albert_export.cli.options import (
    bundle_precision_option,
    chosen_checkpoint,
    json_option,
    print_json,
    quiet_option,
    task_option,
)
from albert_export.utils.folder_name import folder_name
from albert_export.utils.terminal import Progress, steps
from albert_runtime.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  albert-export web my-albert-onnx-int8 --output my-site
  albert-export web --task qa --output my-site
  albert-export web --model ./my-albert --output my-site --title "Ask our manual"
  python -m http.server --directory my-site
\b
The site is a folder of static files that any web server can serve; it asks no other server for
anything. Without BUNDLE, the checkpoint is exported to ONNX in int8 first."""
)
@click.argument("bundle", type=click.Path(path_type=Path), required=False)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Folder of the new site. Default: a folder here, named after the bundle or checkpoint.",
)  # fmt: skip
@task_option
@click.option(
    "-m", "--model", type=click.Path(), metavar="FOLDER",
    help="In place of BUNDLE: a checkpoint, or its id on the hub, to export in int8. "
    "Default: the demo checkpoint of the task.",
)  # fmt: skip
@click.option("--title", metavar="TEXT", help="Heading of the page.  [default: the task]")
@click.option(
    "--examples", type=click.Path(path_type=Path), metavar="FILE",
    help="JSON list of requests that the page offers.  [default: those of the demo or of the bundle's self-test]",
)  # fmt: skip
@bundle_precision_option
@click.option("--force", is_flag=True, help="Replace the site that is at the output already.")
@quiet_option
@json_option
def web(
    bundle: Path | None,
    output: Path | None,
    task: str | None,
    model: str | None,
    title: str | None,
    examples: Path | None,
    precision: str | None,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write a static page that runs a bundle in the browser, offline."""
    from albert_export.web.site import write_site

    if bundle is not None and (task is not None or model is not None):
        raise UsageError("give either BUNDLE, or a checkpoint with --model or --task, and not both")
    if bundle is None and precision is not None:
        raise UsageError("--precision chooses a graph of BUNDLE; a checkpoint is exported in int8, so leave it out")
    with steps(quiet) as progress, tempfile.TemporaryDirectory() as made:
        if bundle is None:
            checkpoint, name = chosen_checkpoint(model, task)
            output = output or Path(f"{name}-site")
            source = _exported(checkpoint, task, output, Path(made) / name, force, progress)
        else:
            source, output = bundle, output or Path(f"{folder_name(bundle).removesuffix('.albert')}-site")
        site = write_site(
            source, output, title=title, examples=examples, precision=precision, force=force, progress=progress
        )
    if as_json:
        print_json(site.to_dict())
    else:
        click.echo(
            f"{site.folder}: {site.task}, {site.precision}, {site.bytes / 1e6:.1f} MB, "
            f"of which the bundle {site.bundle_bytes / 1e6:.1f} MB"
        )
    if site.precision == "fp32":
        click.echo(
            "int8 is about a quarter of the size and faster: albert-export onnx --model CHECKPOINT --precision int8",
            err=True,
        )
    click.echo(f"next: python -m http.server --directory {shlex.quote(str(site.folder))}", err=True)


def _exported(model: str | Path, task: str | None, output: Path, bundle: Path, force: bool, progress: Progress) -> Path:
    """The int8 bundle of a checkpoint, for a site at `output`, which is refused before the work of an export."""
    from albert_converters.bundle_writer import refuse_overwrite
    from albert_export.export import export_onnx
    from albert_export.web.site import SITE

    refuse_overwrite(output, force=force, kind=SITE)
    return export_onnx(model, bundle, task=task, precision="int8", progress=progress).folder
