"""docs/clients.md: the rows of its table, and what a run of the tests changes in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from tests.clients.rows import Row, rows_of, table_of

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
COMMAND = "make clients"
_BEGIN = "<!-- The tests write the table: make clients -->\n"
_END = "<!-- The end of the table -->\n"


def read_rows(page: Path = PAGE) -> list[Row]:
    """The rows on the page."""
    _, table, _ = _parts(page)
    return rows_of(table)


def write_rows(rows: Iterable[Row], page: Path = PAGE) -> None:
    """Put the rows on the page in place of those that are there."""
    before, _, after = _parts(page)
    page.write_text(f"{before}{_BEGIN}\n{table_of(rows)}\n{_END}{after}", encoding="utf-8")


def updated(rows: Iterable[Row], recorded: Collection[Row], complete: Collection[tuple[str, str]]) -> list[Row]:
    """The rows of the page after a run: what it recorded replaces what is there about the same thing.

    Args:
        rows: what is on the page.
        recorded: what the run recorded.
        complete: client and bundle of which all tests ran; whatever else the page says about them is out of date.
    """
    new = {row.key for row in recorded}
    kept = [row for row in rows if row.key not in new and (row.client, row.bundle) not in complete]
    return [*kept, *recorded]


def differences(rows: Collection[Row], wanted: Collection[Row]) -> list[str]:
    """The lines that only the table of `rows` has, and those that only the table of `wanted` has."""
    old, new = table_of(rows).splitlines(), table_of(wanted).splitlines()
    return [
        *(f"- {line}" for line in old if line not in new),
        *(f"+ {line}" for line in new if line not in old),
    ]


def _parts(page: Path) -> tuple[str, str, str]:
    """What is before the table, the table, and what is behind it."""
    before, begins, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    table, ends, after = rest.partition(_END)
    if not (begins and ends):
        raise ValueError(f"{page} has no table between the lines {_BEGIN.strip()} and {_END.strip()}")
    return before, table, after
