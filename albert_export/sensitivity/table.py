"""Prints a scan as tables: the inputs of each layer, the error of quantizing it, pass by pass, and the next command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_export.sensitivity.result import Row, Sensitivity
from albert_export.utils.terminal import plain_console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

#: the width in characters if the output is no terminal
_WIDTH = 110
#: the width of a pass in the second table, with the gap
_CELL = 7
#: the number of outlier channels that are listed; the JSON has all of them
_CHANNELS = 3
#: the number of worst layers, and of worst passes, that are marked
_MARKED = 3


def print_sensitivity(found: Sensitivity, export: str) -> None:
    """Print a scan on standard output.

    Args:
        found: the result of the scan.
        export: the command that exports the model in the same precision.
    """
    console = plain_console(_WIDTH)
    inputs = f"{found.samples} input{'' if found.samples == 1 else 's'}, {found.tokens:,} tokens"
    console.print(f"{found.task}, {found.precision}; {inputs}, {found.passes} passes", soft_wrap=True)
    console.print("\nEach linear layer quantized alone, in all its passes")
    console.print(_layers(found))
    across = _passes_across(found, console)
    for first in range(1, found.passes + 1, across):
        console.print("\nError in %, each linear layer quantized alone and in one pass")
        console.print(_matrix(found, range(first, min(first + across, found.passes + 1))))
    console.print()
    for line in summary(found, export):
        console.print(line, soft_wrap=True)


def summary(found: Sensitivity, export: str) -> list[str]:
    """Return the lines below the tables: the worst layers, the meaning of the figures, and the command to type next."""
    worst = "; ".join(_described(found, row) for row in found.worst(_MARKED))
    outliers = any(row.outlier_channels for row in found.modules)
    kept = "keeps the worst layers in higher precision where answers change"
    advice = f"splits outlier channels off where that helps, and {kept}" if outliers else kept
    return [
        f"* worst: {worst}",
        "error: root mean square of the outputs' differences over that of the outputs; "
        "changed: share of the answers, near ties left out",
        f"next: {export} {advice}",
    ]


def percent(share: float) -> str:
    """Format `share` in per cent with about two significant digits, without the sign."""
    value = 100 * share
    decimals = 3 if value < 0.0995 else 2 if value < 0.995 else 1 if value < 9.95 else 0
    return f"{value:.{decimals}f}" if value else "0"


def _described(found: Sensitivity, row: Row) -> str:
    passes = found.passes_of(row.module)
    place = ""
    if len(passes) > 1:
        worst = max(passes.values(), key=lambda one: one.error)
        place = f", pass {worst.pass_number} most"
    outliers = f", outlier ratio {row.outlier_ratio:.0f}" if row.outlier_channels else ""
    return f"{row.name} ({percent(row.error)}%{place}{outliers})"


def _layers(found: Sensitivity) -> Table:
    table = _grid("layer", "input min", "max", "outlier ratio", "outlier channels", "error %", "changed %")
    worst = found.worst(_MARKED)
    for row in found.modules:
        changed = "-" if row.changed is None else percent(row.changed)
        ranges = (f"{row.minimum:.2f}", f"{row.maximum:.2f}", f"{row.outlier_ratio:.1f}", _channels(row))
        table.add_row(row.name, *ranges, _cell(row, row in worst), changed)
    together = found.everything
    changed = "-" if together.changed is None else percent(together.changed)
    table.add_row("everything", "", "", "", "", percent(together.error), changed)
    return table


def _matrix(found: Sensitivity, passes: range) -> Table:
    table = _grid("layer", *map(str, passes), gap=1)
    single = [row for row in found.rows if row.pass_number is not None]
    worst = sorted(single, key=lambda row: -row.error)[:_MARKED]
    for row in found.modules:
        own = found.passes_of(row.module)
        if own.keys() & passes:
            table.add_row(row.name, *(_cell(own[n], own[n] in worst) if n in own else "" for n in passes))
    return table


def _passes_across(found: Sensitivity, console: Console) -> int:
    """Return how many passes fit side by side."""
    names = max(len(row.name) for row in found.modules if found.passes_of(row.module))
    return max(1, (console.width - names) // _CELL)


def _cell(row: Row, worst: bool) -> Text:
    """Format the error, with a mark if it is among the worst."""
    from rich.text import Text

    return Text(("*" if worst else "") + percent(row.error), style="bold red" if worst else "")


def _channels(row: Row) -> str:
    """Format the largest outlier channels, and the number of the others."""
    named = ", ".join(map(str, row.outlier_channels[:_CHANNELS]))
    more = len(row.outlier_channels) - _CHANNELS
    return f"{named} +{more}" if more > 0 else named or "-"


def _grid(first: str, *headings: str, gap: int = 2) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
