"""The terminal: progress on standard error, tables on standard output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

#: a function that is called with one line of text, which says what is being done now
Progress = Callable[[str], None]


@contextlib.contextmanager
def steps(quiet: bool) -> Iterator[Progress]:
    """Shows a spinner with the current step on standard error, if that is a terminal and `quiet` is False."""
    if quiet or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield lambda step: status.update(step)


def plain_console(width: int) -> Console:
    """A console for standard output that prints text unchanged, brackets included.

    Args:
        width: the columns of a line if the output goes to a pipe or a file; a terminal has its own width.
    """
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, emoji=False, width=width)
