"""The Markdown tables of the figures: the peers first, ratios to the first of them, and the limit at each length."""

from __future__ import annotations

from albert_export.bench.measurement import Measurement
from tests.albert_export.bench.page.test_writing import REPORT
from tools.figure_tables import limit_table, machine_line, not_measured, small_table, whole_table


def label(one: Measurement) -> str:
    return one.name.rpartition("/")[2]


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_the_small_table_has_the_peers_and_the_named_bundles() -> None:
    heading, _, *rows = cells(small_table(REPORT, label, 128, ["exports/tflite-int8"]))
    assert [row[0] for row in rows] == ["transformers", "tflite-int8"]
    assert heading[-2:] == ["ms at 128 tokens", "speed"]
    assert rows[1] == ["tflite-int8", "44.0", "50", "800", "90", "60", "1.0x"]


def test_the_whole_table_has_the_seconds_of_exports() -> None:
    _, _, *rows = cells(whole_table(REPORT, label, 128, {"exports/onnx-fp32": 20.6}))
    assert [row[0] for row in rows] == ["transformers", "onnx-fp32", "tflite-int8"]
    assert rows[1][2:4] == ["21", "50 (40)"]
    assert rows[0][2:4] == ["", "50"]


def test_the_limit_at_each_length() -> None:
    _, _, *rows = cells(limit_table(REPORT, label))
    assert rows[1] == ["onnx-fp32", "10.0", "16", "1.6x", "40.0", "60", "1.5x"]
    assert rows[2] == ["tflite-int8", "2.5", "16", "6.4x", "10.0", "60", "6.0x"]


def test_the_machine_and_what_is_missing() -> None:
    assert "200 in fp32, 800 in int8" in machine_line(REPORT)
    assert not_measured(REPORT) == ["not measured: exports/broken: the engine <litert> does not run model.onnx"]
