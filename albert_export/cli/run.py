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
    """Answer one request, or a file of requests, with a bundle."""
    from albert_runtime.cli import main as runtime_main

    raise click.exceptions.Exit(runtime_main(list(arguments), prog="albert-export run", open_progress=FileProgressBar))


class FileProgressBar:
    """A bar on standard error, with the lines that are done, the rate and the time left."""

    def __init__(self, done_bytes: int, done_lines: int, total_bytes: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.fields[lines]:,} lines"),
            TextColumn("{task.fields[rate]:,.0f} lines/s"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._done_lines = done_lines
        self._bar = self._progress.add_task("", total=total_bytes, completed=done_bytes, lines=done_lines, rate=0.0)
        self._progress.start()

    def update(self, lines: int, input_bytes: int) -> None:
        """So many lines and bytes of the input are done."""
        seconds = self._progress.tasks[0].elapsed
        rate = (lines - self._done_lines) / seconds if seconds else 0.0
        self._progress.update(self._bar, completed=input_bytes, lines=lines, rate=rate)

    def close(self) -> None:
        """Remove the bar."""
        self._progress.stop()
