"""The diagnosis and the repair of a file as text for the terminal, errors first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_converters.doctor.diagnosis import CheckResult, Diagnosis, megabytes
from albert_export.utils.terminal import plain_console

if TYPE_CHECKING:
    from albert_export.doctor.repair import RepairReport

#: names of places that a row shows; --json prints all of them
_MOST_PLACES = 3
#: columns of text where the output is no terminal
_WIDTH = 120


def print_diagnosis(diagnosis: Diagnosis) -> None:
    """Print what was found, on standard output."""
    from rich.table import Table
    from rich.text import Text

    console = plain_console(_WIDTH)
    errors, advice = len(diagnosis.errors), len(diagnosis.results) - len(diagnosis.errors)
    verdict = [_count(errors, "error") if errors else "healthy"]
    verdict += [f"{_count(advice, 'piece')} of advice"] if advice else []
    console.print(f"{diagnosis.file}: {megabytes(diagnosis.file_bytes)}; {', '.join(verdict)}", soft_wrap=True)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    for result in diagnosis.results:
        severity = "ERROR" if result.is_error else "advice"
        style = "bold red" if result.is_error else "yellow"
        table.add_row(Text(f"{severity}\n{result.name}", style=style), _row(result) + "\n")
    if diagnosis.results:
        console.print(table)


def print_repair(report: RepairReport) -> None:
    """Print what was repaired and what is left, on standard output."""
    before, after, equivalence = report.before, report.after, report.equivalence
    console = plain_console(_WIDTH)
    advice = [result.name for result in after.results if not result.is_error]
    for line in (
        *(report.done or ["nothing can be repaired exactly: the graph stays the same"]),
        f"{after.file}: {megabytes(before.file_bytes)} before, {megabytes(after.file_bytes)} after",
        f"checked: equal answers to {equivalence.requests} requests, "
        f"largest difference {equivalence.max_difference:.1e}",
        *(f"not repaired: {result.name}: {result.what}; {result.remedy}" for result in after.errors),
        *([f"left as it is: {', '.join(advice)}"] if advice else []),
    ):
        console.print(line, soft_wrap=True)


def _row(result: CheckResult) -> str:
    places = ", ".join(result.where[:_MOST_PLACES])
    more = f" and {len(result.where) - _MOST_PLACES:,} more" if len(result.where) > _MOST_PLACES else ""
    lines = [result.what, *([f"where: {places}{more}"] if places else [])]
    return "\n".join([*lines, f"costs: {result.costs}", f"to do: {result.remedy}"])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
