"""Standard output for tables: text as it is, at a width of its own where it is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def plain_console(width: int) -> Console:
    """Prints text as it is, names with brackets too; `width` is in columns, for pipes and files."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    return console if console.is_terminal else Console(markup=False, highlight=False, emoji=False, width=width)
