"""The table of docs/clients.md: rows become lines of it and come back, and a run changes what it has tried."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from albert_runtime.tasks import TASKS
from tests.clients.page import differences, read_rows, updated, write_rows
from tests.clients.rows import HEADINGS, Row, rows_of, table_of

CLIENT = Row("some-client", "1.2", "question-answering", "onnx", "fp32", opens=True, same_answer=True)
REFUSED = replace(CLIENT, bundle="tflite", opens=False, same_answer=None, note="No TFLite.")
ROWS = [
    CLIENT,
    REFUSED,
    *(replace(CLIENT, client="Other", task=task, precision=one) for task in TASKS for one in ("fp32", "int4")),
    replace(CLIENT, client="Other", precision="int8"),
]


def test_rows_with_one_result_are_one_line() -> None:
    lines = table_of(ROWS).splitlines()[2:]
    assert [line.strip("| ").split(" | ")[:5] for line in lines] == [
        ["Other", "1.2", "all tasks", "onnx", "fp32, int4"],
        ["Other", "1.2", "question-answering", "onnx", "int8"],
        ["some-client", "1.2", "question-answering", "onnx", "fp32"],
        ["some-client", "1.2", "question-answering", "tflite", "fp32"],
    ]
    assert lines[3].endswith("| no | - | No TFLite. |")


def test_a_table_gives_its_rows_back_in_any_order() -> None:
    assert set(rows_of(table_of(ROWS))) == set(ROWS)
    assert table_of(reversed(ROWS)) == table_of(ROWS)
    assert rows_of(table_of([])) == []


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(ValueError, match="not a line of the table"):
        rows_of("| client |\n")
    with pytest.raises(ValueError, match="perhaps"):
        rows_of(table_of([CLIENT]).replace("| yes |", "| perhaps |", 1))
    with pytest.raises(ValueError, match="several rows for "):
        table_of([CLIENT, replace(CLIENT, note="other")])
    with pytest.raises(ValueError, match="a cell has no"):
        replace(CLIENT, note="a|b")
    with pytest.raises(ValueError, match="qa and fp32 are not in"):
        replace(CLIENT, task="qa")


def test_a_run_replaces_what_it_tried() -> None:
    page = [CLIENT, REFUSED, replace(CLIENT, client="Other")]
    now = replace(CLIENT, version="1.3")
    assert updated(page, [now], complete=[]) == [REFUSED, page[2], now]
    assert updated(page, [now], complete=[("some-client", "onnx")]) == [REFUSED, page[2], now]
    assert updated(page, [now], complete=[("some-client", "tflite")]) == [page[2], now]


def test_differences_are_lines() -> None:
    assert differences(ROWS, ROWS[::-1]) == []
    old, new = differences([CLIENT], [replace(CLIENT, same_answer=False)])
    assert (old[0], new[0]) == ("-", "+")
    assert "| yes | no |" in new


def test_the_rest_of_the_page_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    marks = ("<!-- The tests write the table: make clients -->", "<!-- The end of the table -->")
    page.write_text(f"# Title\n\n{marks[0]}\n\n{table_of([])}\n{marks[1]}\nEnd.\n")
    write_rows(ROWS, page)
    assert set(read_rows(page)) == set(ROWS)
    assert page.read_text().startswith("# Title\n\n<!--")
    assert page.read_text().endswith("-->\nEnd.\n")
    page.write_text("# Title\n")
    with pytest.raises(ValueError, match=r"page\.md has no table"):
        read_rows(page)


def test_every_client_of_the_page_has_a_test() -> None:
    sources = "\n".join(file.read_text(encoding="utf-8") for file in Path(__file__).parents[1].rglob("test_*.py"))
    named = set(re.findall(r'"([^"\n]+)"', sources))
    assert [row.client for row in read_rows() if row.client not in named] == []
    assert HEADINGS[0] == "client"
