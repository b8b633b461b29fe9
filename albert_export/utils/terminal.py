"""The terminal: progress on standard error, tables on standard output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

#: called with a line that says what is being done
Progress = Callable[[str], None]


@contextlib.contextmanager
def steps(quiet: bool) -> Iterator[Progress]:
    """A spinner with the step's name on standard error where that is a terminal, and nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield lambda step: status.update(step)


def plain_console(width: int) -> Console:
    """Standard output that prints text as it is, brackets too; `width` is in columns, for pipes and files."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, emoji=False, width=width)
