"""The benchmark of planted outliers: what it counts, and its result on a demo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from albert_export.evaluation.decisions import Decision
from albert_runtime.errors import UsageError
from tools.outlier_benchmark import Row, count_differences, main, measure_exports, parse_planting, requests, table


@pytest.mark.parametrize(
    ("text", "amounts"),
    [("none", {}), ("ffn60", {"ffn": 60}), ("ffn60+value30+hidden2.5", {"ffn": 60, "value": 30, "hidden": 2.5})],
)
def test_a_planting_is_read(text: str, amounts: dict[str, float]) -> None:
    assert parse_planting(text) == amounts


@pytest.mark.parametrize("text", ["", "ffn", "60", "gelu60", "ffn60+", "ffn-1", "ffn60,value30"])
def test_a_text_that_is_no_planting_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no planting"):
        parse_planting(text)


def test_every_difference_counts_and_near_ties_are_counted_apart() -> None:
    expected = [*map(Decision.single, "abcd", (0.9, 0.01, 0.5, 0.01))]
    got = [*map(Decision.single, "axxd", (0.1, 0.9, 0.01, 0.9))]
    assert count_differences(expected, got) == (2, 1)


def test_requests_are_the_same_each_time_and_differ_from_each_other() -> None:
    asked = requests("question-answering", 20)
    assert asked == requests("question-answering", 20)
    assert len({request["context"] for request in asked}) > 10


def test_the_table_shows_shares_sizes_recipes_and_refusals() -> None:
    found = [
        Row("question-answering", "ffn60", "onnx int8", 200, 3, 1, 240_000, {"trials": [{"recipe": "outlier split"}]}),
        Row("question-answering", "ffn60", "tflite int8", 200, refused="the graph does not give the answers"),
    ]
    assert table(found).splitlines() == [
        "| ffn60 | onnx int8 | tflite int8 |",
        "|---|---|---|",
        "| question-answering | 98.5%, 99.0% but for near ties (240 kB; outlier split) | refused |",
        "",
        "- question-answering, ffn60, tflite int8: the graph does not give the answers",
    ]


def test_the_last_table_shows_the_lowest_share_of_all_plantings() -> None:
    found = [
        Row("question-answering", "ffn20", "onnx int8", 200, 3, 3),
        Row("question-answering", "ffn60", "onnx int8", 200, 3, 0),
        Row("question-answering", "value30", "onnx int8", 200, 1, 0),
    ]
    assert table(found).splitlines()[-3:] == [
        "| the lowest of ffn20, ffn60, value30 | onnx int8 |",
        "|---|---|",
        "| question-answering | 98.5% |",
    ]


@pytest.mark.slow
def test_a_planted_demo_in_fp16_keeps_answers_that_the_peer_loses(tmp_path: Path) -> None:
    ours, peer = measure_exports("question-answering", "ffn60", [("onnx", "fp16")], 40, tmp_path)
    assert (ours.task, ours.planting, ours.export) == ("question-answering", "ffn60", "onnx fp16")
    assert ours.share is not None
    assert peer.share is not None
    assert ours.share >= 0.95 > peer.share
    assert peer.size < ours.size < 800_000


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.json"
    arguments = ["--tasks", "cls", "--formats", "onnx", "--precisions", "fp32,fp99", "--plantings", "none"]
    assert main([*arguments, "--examples", "3", "--json", str(file)]) == 0
    assert "| text-classification | 100.0% (" in capsys.readouterr().out
    exported, refused, _ = json.loads(file.read_text())
    assert (exported["share"], exported["different"]) == (1.0, 0)
    assert refused["share"] is None
    assert "fp99" in refused["refused"]


@pytest.mark.parametrize(
    "arguments",
    [["--formats", "coreml"], ["--plantings", "ffn"], ["--examples", "0"]],
)
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: ")
