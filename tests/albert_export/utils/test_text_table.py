"""Tables are aligned by what a terminal shows, print every cell whole, and do not depend on the terminal."""

from __future__ import annotations

import pytest

from albert_export.utils.text_table import render_markdown_table, render_table


def test_columns_are_aligned_to_the_left() -> None:
    rows = [("values", "0.25", "ok"), ("a", "1", ""), ("b", "", "")]
    assert render_table(rows, ("check", "difference", "")).splitlines() == [
        "check   difference",
        "values  0.25        ok",
        "a       1",
        "b",
    ]


def test_numbers_are_aligned_to_the_right() -> None:
    rows = [("a", "1.5", "10"), ("b", "not measured")]
    assert render_table(rows, ("bundle", "ms", "MB"), align_right=True).splitlines() == [
        "bundle            ms  MB",
        "a                1.5  10",
        "b       not measured",
    ]


def test_headings_may_be_left_out() -> None:
    assert render_table([("f1", "7.25"), ("exact_match", "100.00")], align_right=True).splitlines() == [
        "f1             7.25",
        "exact_match  100.00",
    ]
    assert render_table([]) == ""


def test_cells_are_printed_as_they_are() -> None:
    cells = ("[bold]model[/bold]", ":smile: 1.5 'text'", "[/]")
    assert render_table([cells], ("[a]", "b", "c")).splitlines()[1].split("  ") == list(cells)


def test_a_row_is_one_line_and_no_cell_is_cut_off() -> None:
    assert render_table([("a\nb\u2028c\x85d", "e")]) == "a b c d  e"
    assert render_table([("a\tb", "c")]) == "a       b  c"


def test_wide_characters_take_two_columns() -> None:
    assert render_table([("東京", "a"), ("Paris", "b")]).splitlines() == ["東京   a", "Paris  b"]


def test_the_terminal_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, headings = [("word " * 100 + "end", "x" * 500), ("a", "b")], ("first", "second")
    table = render_table(rows, headings)
    assert table.splitlines()[1] == "  ".join(rows[0])
    for name, value in (("COLUMNS", "20"), ("FORCE_COLOR", "1"), ("TTY_COMPATIBLE", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    assert render_table(rows, headings) == table


def test_markdown() -> None:
    assert render_markdown_table([("a|b", "two\nlines"), ("c", "")], ("name", "")).splitlines() == [
        "| name |  |",
        "|---|---|",
        r"| a\|b | two lines |",
        "| c |  |",
    ]
