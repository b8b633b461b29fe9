"""The command `albert-export push`, and the options by which an export is pushed when it is done."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from albert_export.cli.options import json_option, print_json, quiet_option
from albert_export.utils.terminal import steps
from albert_runtime.errors import UsageError

_private_option = click.option("--private", is_flag=True, help="Make the repository private, if it is a new one.")


@click.command(
    epilog="""\b
Examples:
  albert-export push my-albert-onnx my-name/my-albert-onnx
  albert-export push my-albert-onnx my-name/my-albert-onnx --private
\b
The token is that of `hf auth login`, or of HF_TOKEN. The bundle becomes one commit. If a push is
interrupted, type it again: large files that have arrived are not sent again."""
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("repository", metavar="REPO")
@_private_option
@quiet_option
@json_option
def push(bundle: Path, repository: str, private: bool, quiet: bool, as_json: bool) -> None:
    """Push a bundle to a repository of the Hugging Face hub."""
    from albert_export.hub.upload import check_push, folder_bundles, push_bundle

    folder_bundles(bundle)
    with steps(quiet) as progress:
        target = check_push(repository, private=private, progress=progress)
        pushed = push_bundle(bundle, target, progress=progress)
    if as_json:
        print_json(pushed.to_dict())
    else:
        click.echo(f"{pushed.url}: commit {pushed.commit}")


def push_options(command: Callable[..., Path | None]) -> Callable[..., None]:
    """Adds --push-to-hub and --private. The command returns the folder of the bundle, or None if there is none.

    Whether the repository may be written to is checked before the command runs, so that its work is not lost.
    """

    @click.option("--push-to-hub", metavar="REPO",
                  help="Push the verified bundle to this repository of the Hugging Face hub, ORG/NAME.")  # fmt: skip
    @_private_option
    @functools.wraps(command)
    def with_push(*, push_to_hub: str | None, private: bool, quiet: bool, **options: Any) -> None:
        if push_to_hub is None:
            if private:
                raise UsageError("--private is about a repository of the hub; give --push-to-hub REPO with it")
            command(quiet=quiet, **options)
            return
        from albert_export.hub.upload import check_push, push_again, push_bundle

        with steps(quiet) as progress:
            target = check_push(push_to_hub, private=private, progress=progress)
        folder = command(quiet=quiet, **options)
        if folder is not None:
            try:
                with steps(quiet) as progress:
                    pushed = push_bundle(folder, target, progress=progress)
            except KeyboardInterrupt:
                click.echo(push_again(folder, target), err=True)
                raise
            click.echo(f"pushed: {pushed.url}, commit {pushed.commit}", err=True)

    return with_push
