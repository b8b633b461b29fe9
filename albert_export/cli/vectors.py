"""The command `albert-export vectors`."""

from __future__ import annotations

from pathlib import Path

import click

from albert_export.cli.options import bundle_precision_option


@click.command(
    epilog="""\b
Examples:
  albert-export vectors my-albert-onnx -o vectors.json
  albert-export vectors my-albert-onnx --check vectors.json
\b
Another runtime of the bundle tests itself with the file; docs/vectors.md describes it. The exit
code is 6 if --check finds a difference."""
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="The file to write.")
@click.option(
    "--check", type=click.Path(path_type=Path), metavar="FILE",
    help="Compare what the bundle gives with this file of vectors instead of writing one.",
)  # fmt: skip
@click.option("--engine", metavar="NAME", help="What runs the bundle.  [default: the first that is installed]")
@bundle_precision_option
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def vectors(
    bundle: Path,
    output: Path | None,
    check: Path | None,
    engine: str | None,
    precision: str | None,
    force: bool,
) -> None:
    """Write texts and requests with their tokens, outputs and answers, to test other runtimes with."""
    import albert_runtime
    from albert_export.vectors.vectors_file import check_vectors, make_vectors, read_vectors, write_vectors

    if (output is None) == (check is None):
        raise click.UsageError("give either -o FILE, to write vectors, or --check FILE, to compare with them")
    if check is not None:
        given = read_vectors(check)
        count = check_vectors(albert_runtime.load(bundle, engine=engine, precision=precision), given)
        click.echo(f"{bundle} gives what the {count} vectors of {check} say")
        return
    assert output is not None
    made = make_vectors(albert_runtime.load(bundle, engine=engine, precision=precision))
    write_vectors(made, output, force=force)
    click.echo(f"{output} ({output.stat().st_size:,} bytes)")
