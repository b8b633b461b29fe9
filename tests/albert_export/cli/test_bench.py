"""The command `bench`: a table or JSON on standard output; errors and budgets as exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from albert_export.cli.bench import bench
from albert_runtime.errors import AlbertError, BudgetError
from tests.conftest import CheckpointOf

QUICK = ["--lengths", "8", "--resize", "4,24", "--runs", "1", "--rounds", "1", "--threads", "1", "--quiet"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(bench, [str(argument) for argument in (*arguments, *QUICK)])


def test_a_table(bundle_of: CheckpointOf) -> None:
    first, second = bundle_of("fill-mask"), bundle_of("question-answering")
    result = run(first, second)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["bundle", str(first), str(second)]
    assert "8 tokens ms" in lines[0]
    assert "\x1b" not in result.stdout


def test_json(bundle_of: CheckpointOf) -> None:
    result = run(bundle_of("fill-mask"), "--json", "--batch", "3")
    (record,) = json.loads(result.stdout)["bundles"]
    assert record["task"] == "fill-mask"
    assert record["memory_bytes"]["median"] > 0
    assert list(record["latency_ms"]) == ["8"]
    assert json.loads(result.stdout)["settings"]["batch"] == 3


def test_a_budget(bundle_of: CheckpointOf) -> None:
    assert run(bundle_of("fill-mask"), "--max-size", 1000, "--max-memory", 1000).exit_code == 0
    result = run(bundle_of("fill-mask"), "--max-size", 0.01)
    assert isinstance(result.exception, BudgetError)
    assert "--max-size is 0.01" in str(result.exception)
    assert result.stdout.startswith("bundle")


def test_a_failure_does_not_hide_the_others(tmp_path: Path, bundle_of: CheckpointOf) -> None:
    result = run(bundle_of("fill-mask"), tmp_path)
    assert isinstance(result.exception, AlbertError)
    assert result.exception.exit_code == 3
    assert "empty folder" in str(result.exception)
    assert str(bundle_of("fill-mask")) in result.stdout
    alone = run(tmp_path)
    assert alone.stdout == ""
    assert str(alone.exception).startswith(f"{tmp_path} is an empty folder")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Missing argument 'BUNDLE...'"),
        (["a", "--lengths", "8,x"], "not a list of lengths like 32,128"),
        (["a", "--lengths", "0"], "not a list of lengths"),
        (["a", "--lengths", ""], "not a list of lengths"),
        (["a", "--resize", "32,32"], "give 2 different lengths"),
        (["a", "--runs", "0"], "--runs"),
        (["a", "--max-load", "-1"], "--max-load"),
    ],
)
def test_usage(options: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        bench.main(options, standalone_mode=False)
    assert message in caught.value.format_message()


def test_the_command_imports_nothing_heavy() -> None:
    code = (
        "import sys; import albert_export.cli.bench; "
        "print(*sorted({name.split('.')[0] for name in sys.modules} & {'numpy', 'rich', 'torch', 'onnxruntime'}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == []
