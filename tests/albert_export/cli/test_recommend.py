"""The command `recommend`: a table, the reason and the lines to use on standard output, or JSON."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from albert_export.cli.recommend import recommend
from albert_runtime.errors import UsageError
from tests.conftest import CheckpointOf

QUICK = ["--length", "8", "--runs", "1", "--rounds", "1", "--threads", "1", "--quiet"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(recommend, [str(argument) for argument in (*arguments, *QUICK)])


def test_one_bundle(bundle_of: CheckpointOf) -> None:
    bundle = bundle_of("question-answering")
    result = run(bundle)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["bundle", str(bundle)]
    assert "8 tokens ms" in lines[0]
    assert f"albert_runtime.load({str(bundle)!r}, engine='onnx', threads=1)" in result.stdout


def test_json(bundle_of: CheckpointOf) -> None:
    result = run(bundle_of("question-answering"), "--json")
    record = json.loads(result.stdout)
    assert record["recommended"]["engine"] == "onnx"
    assert record["machine"]["cpu"]
    assert record["settings"]["lengths"] == [8]
    assert record["budget"] == {"differing_answers": 1.0, "metric_drop": 0.5}


@pytest.mark.parametrize("drop", [-1, 101, "nan"])
def test_a_budget_that_is_none(bundle_of: CheckpointOf, drop: object) -> None:
    result = run(bundle_of("question-answering"), "--max-drop", drop)
    assert isinstance(result.exception, UsageError)
    assert "--max-drop" in str(result.exception)
