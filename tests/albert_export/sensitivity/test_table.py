"""The tables: a row for each layer, a column for each pass, marks on the worst, and the next command."""

from __future__ import annotations

import pytest

from albert_export.sensitivity.table import percent, print_sensitivity, summary
from tests.albert_export.sensitivity.scanned import sensitivity_of

ERRORS = {"attention.query": [0.001, 0.002], "ffn": [0.01, 0.03], "ffn_output": [0.02, 0.0001]}
EXPORT = "albert-export onnx --task cls --precision int8"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0"), (0.00001, "0.001"), (0.000999, "0.10"), (0.005, "0.50"), (0.00996, "1.0"), (0.0996, "10"), (3, "300")],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text


def test_the_whole_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_sensitivity(sensitivity_of(ERRORS), EXPORT)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["text-classification,", "int8;", "8", "inputs,", "1,024", "tokens,", "2", "passes"] in lines
    assert ["embedding_hidden_mapping_in", "-1.50", "7.25", "2.0", "-", "0.40", "0"] in lines
    assert ["ffn", "-1.50", "7.25", "2.0", "-", "*9.0", "0"] in lines
    assert ["everything", "50", "25"] in lines
    assert ["ffn", "*1.0", "*3.0"] in lines
    assert ["ffn_output", "*2.0", "0.010"] in lines


def test_the_tables_fit_in_110_columns(capsys: pytest.CaptureFixture[str]) -> None:
    many = {matrix: [0.00123 * pass_number for pass_number in range(1, 25)] for matrix in ERRORS}
    print_sensitivity(sensitivity_of(many, ratio=12345.6), EXPORT)
    figures, _ = capsys.readouterr().out.split("* worst")
    assert max(map(len, figures.splitlines())) <= 110
    assert figures.count("in one pass") == 2  # passes that do not fit side by side are in a table below
    headings = [line.split()[1:] for line in figures.splitlines() if line.startswith("layer ")]
    assert [*headings[1], *headings[2]] == [str(number) for number in range(1, 25)]


def test_the_summary_names_the_worst_and_the_next_command() -> None:
    worst, _, following = summary(sensitivity_of(ERRORS), EXPORT)
    assert (
        worst
        == "* worst: ffn (9.0%, pass 2 most); ffn_output (6.0%, pass 1 most); attention.query (0.60%, pass 2 most)"
    )
    assert following.startswith(f"next: {EXPORT} keeps the worst layers")


def test_outlier_channels_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    found = sensitivity_of(ERRORS, ratio=60)
    worst, _, following = summary(found, EXPORT)
    assert "ffn (9.0%, pass 2 most, outlier ratio 60)" in worst
    assert following.startswith(f"next: {EXPORT} splits outlier channels off")
    print_sensitivity(found, EXPORT)
    assert "0, 1, 2 +2" in capsys.readouterr().out
