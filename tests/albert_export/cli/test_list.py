"""`albert-export list` shows every row of the tables that the exports use."""

from __future__ import annotations

import json

import pytest

from albert_export.cli.main import main
from albert_export.export import ONNX_PRECISIONS
from albert_export.targets import TARGETS
from albert_runtime.precisions import PRECISION_ALIASES
from albert_runtime.tasks import TASKS


def test_json_is_what_the_tables_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown) == ["demos", "tasks", "targets", "precisions"]
    assert [row["demo"] for row in shown["demos"]] == list(TASKS)
    assert {row["task"]: (tuple(row["aliases"]), row["outputs"]) for row in shown["tasks"]} == {
        name: (task.aliases, list(task.outputs)) for name, task in TASKS.items()
    }
    assert {row["task"]: row["heads"] for row in shown["tasks"] if row["heads"]} == {
        "pretraining": ["sentence-order"],
        "fill-mask": ["masked"],
    }
    assert {row["target"]: tuple(row["tasks"]) for row in shown["targets"]} == {
        name: target.tasks for name, target in TARGETS.items()
    }
    rows = shown["precisions"]
    assert [row["precision"] for row in rows if row["command"] == "onnx"] == list(ONNX_PRECISIONS)
    for name, target in TARGETS.items():
        own = [row for row in rows if row["target"] == name]
        assert {row["precision"]: row["graph"] for row in own} == dict(target.precisions)
        assert [row["precision"] for row in own if row["default"]] == [target.default_precision]
    assert all(tuple(row["aliases"]) == PRECISION_ALIASES[row["precision"]] for row in rows)


def test_each_command_that_is_shown_for_a_demo_exists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    commands = [row["export"].split() for row in json.loads(capsys.readouterr().out)["demos"]]
    for program, *arguments in commands:
        assert program == "albert-export"
        assert main([*arguments, "--device", "none"]) == 2
        assert "there is no --device none" in capsys.readouterr().err


def test_the_table_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    names = [*TASKS, *TARGETS, *PRECISION_ALIASES, *(alias for one in PRECISION_ALIASES.values() for alias in one)]
    assert [name for name in names if name not in text] == []
