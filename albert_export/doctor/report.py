"""A diagnosis and a repair for a reader: a row a finding, faults first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_converters.doctor.diagnosis import Finding, megabytes
from albert_converters.patient import Patient
from albert_export.utils.terminal import plain_console

if TYPE_CHECKING:
    from albert_export.doctor.repair import Repaired

#: names of places in a row; the rest is in the JSON
_MOST = 3
#: columns of text where the output is no terminal
_WIDTH = 120


def print_diagnosis(patient: Patient) -> None:
    """Prints what was found, on standard output."""
    from rich.table import Table
    from rich.text import Text

    console = plain_console(_WIDTH)
    faults, advice = len(patient.faults), len(patient.findings) - len(patient.faults)
    verdict = [_count(faults, "fault") if faults else "healthy"]
    verdict += [f"{_count(advice, 'piece')} of advice"] if advice else []
    console.print(f"{patient.file}: {megabytes(patient.file_bytes)}; {', '.join(verdict)}", soft_wrap=True)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    for finding in patient.findings:
        kind = "FAULT" if finding.fault else "advice"
        style = "bold red" if finding.fault else "yellow"
        table.add_row(Text(f"{kind}\n{finding.name}", style=style), _row(finding) + "\n")
    if patient.findings:
        console.print(table)


def print_repair(repaired: Repaired) -> None:
    """Prints what was mended and what is left, on standard output."""
    before, after, proof = repaired.before, repaired.after, repaired.proof
    console = plain_console(_WIDTH)
    advice = [one.name for one in after.findings if not one.fault]
    for line in (
        *(repaired.done or ["nothing can be mended exactly: the graph stays the same"]),
        f"{after.file}: {megabytes(before.file_bytes)} before, {megabytes(after.file_bytes)} after",
        f"proved: equal answers to {proof.requests} requests, largest difference {proof.max_difference:.1e}",
        *(f"not mended: {one.name}: {one.what}; {one.remedy}" for one in after.faults),
        *([f"left as it is: {', '.join(advice)}"] if advice else []),
    ):
        console.print(line, soft_wrap=True)


def _row(finding: Finding) -> str:
    places = ", ".join(finding.where[:_MOST])
    more = f" and {len(finding.where) - _MOST:,} more" if len(finding.where) > _MOST else ""
    lines = [finding.what, *([f"where: {places}{more}"] if places else [])]
    return "\n".join([*lines, f"costs: {finding.costs}", f"to do: {finding.remedy}"])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
