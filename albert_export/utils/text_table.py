"""Tables as plain text, for the terminal, error messages and pipes, and as Markdown."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence


def render_table(
    rows: Sequence[Sequence[str]], headings: Sequence[str] | None = None, *, align_right: bool = False
) -> str:
    """Return the rows as lines of text with aligned columns and two spaces between them.

    The result depends on its arguments only: it has no colors, no cell is wrapped or cut off at the width of a
    terminal, and text in brackets is no markup. Line breaks in cells become spaces.

    Args:
        rows: the cells of each row. A row may have fewer cells than others, but not more than there are headings.
        headings: the first line; None prints no headings.
        align_right: align all columns but the first to the right, as is usual for numbers.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = max(map(len, rows), default=0) if headings is None else len(headings)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=headings is not None)
    for index, heading in enumerate(headings or [""] * columns):
        right = align_right and index > 0
        table.add_column(Text(heading), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_one_line(cell)) for cell in row))
    # The text may go into an exception, so neither the terminal nor a notebook may have a say in it.
    text = io.StringIO()
    Console(file=text, width=sys.maxsize, force_terminal=False, force_jupyter=False, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().removesuffix("\n").split("\n"))


def render_markdown_table(rows: Sequence[Sequence[str]], headings: Sequence[str]) -> str:
    """Return the rows as a Markdown table. Vertical bars in cells are escaped, and line breaks become spaces."""
    escaped = [[_one_line(cell).replace("|", r"\|") for cell in row] for row in (headings, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in escaped]
    return "\n".join([lines[0], "|" + "---|" * len(headings), *lines[1:]])


def _one_line(text: str) -> str:
    """Return `text` without line breaks and tabs, whose width depends on what prints them."""
    return " ".join(text.expandtabs().splitlines())
