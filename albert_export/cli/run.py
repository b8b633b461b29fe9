"""`albert-export run`, which passes its arguments to the command line of the runtime."""

from __future__ import annotations

from collections.abc import Sequence

import click


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(arguments: Sequence[str]) -> None:
    """Answer one request with a bundle."""
    from albert_runtime.cli import main as runtime_main

    raise click.exceptions.Exit(runtime_main(list(arguments), prog="albert-export run"))
