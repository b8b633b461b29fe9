"""The command `bench`: a table or JSON on standard output; errors and budgets as exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from albert_export.bench import runner
from albert_export.bench.processor_limit import Peak, ProcessorLimit
from albert_export.cli.bench import bench
from albert_runtime.errors import AlbertError, BudgetError, UsageError
from tests.conftest import CheckpointOf

QUICK = ["--lengths", "8", "--resize", "4,24", "--runs", "1", "--rounds", "1", "--threads", "1", "--quiet"]
LIMIT = ProcessorLimit(1, Peak(1e-3, "onnxruntime 1.0", 512), Peak(4e-3, "onnxruntime 1.0", 512))


@pytest.fixture(autouse=True)
def _known_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring the processor's limit takes seconds, and `test_processor_limit.py` tests it."""
    monkeypatch.setattr(runner, "measure_limit", lambda threads, progress: LIMIT)


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


def test_the_limit(bundle_of: CheckpointOf) -> None:
    result = run(bundle_of("question-answering"))
    assert "0 in fp32 (onnxruntime 1.0)" in result.stdout
    assert re.search(r"\(\d+\.\dx\)", result.stdout.splitlines()[1])
    (record,) = json.loads(run(bundle_of("question-answering"), "--json").stdout)["bundles"]
    # the tiny model at 8 tokens takes 100,864 operations, 1e6 of which take a second at this peak
    assert record["operations"]["8"] == 100_864
    assert record["limit_ms"]["8"] == pytest.approx(100.864)
    assert record["times_limit"]["8"] == pytest.approx(record["latency_ms"]["8"]["median"] / 100.864)


def test_a_page(bundle_of: CheckpointOf, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    result = run(bundle_of("question-answering"), "--html", file)
    assert result.exit_code == 0, result.output
    text = file.read_text(encoding="utf-8")
    assert "8 tokens" in text
    assert text.count("<svg") >= 4
    assert list(tmp_path.iterdir()) == [file]


def test_a_page_that_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    result = run(tmp_path / "no-such-bundle", "--html", tmp_path / "page.pdf")
    assert isinstance(result.exception, UsageError)
    assert "a page is .html" in str(result.exception)


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
        (["a", "--threads", "0"], "0 is not in the range x>=1"),
        (["a", "--peer", "abacus"], "'abacus' is not one of 'transformers'"),
    ],
)
def test_usage(options: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        bench.main(options, standalone_mode=False)
    assert message in caught.value.format_message()


def test_questions(tmp_path: Path, bundle_of: CheckpointOf) -> None:
    asked = {"id": "1", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]}
    paragraphs = [{"context": "Ada was here.", "qas": [asked]}]
    squad = tmp_path / "dev.json"
    squad.write_text(json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": paragraphs}]}))
    result = run(bundle_of("question-answering"), "--questions", squad, "--json")
    record = json.loads(result.stdout)
    assert record["bundles"][0]["questions"]["questions"] == 1
    assert record["bundles"][0]["questions"]["question_ms"]["median"] > 0
    assert record["workload"]["questions"] == 1
    assert "question ms" in run(bundle_of("question-answering"), "--questions", squad).stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--peer", "optimum"], "add --against CHECKPOINT"),
        (["--peer-python", "python"], "add --against CHECKPOINT"),
        (["--against", "nowhere"], "it has no config.json"),
        (["--texts", "nowhere.txt"], "can't read the text file nowhere.txt"),
        (["--questions", "nowhere.json"], "can't read the evaluation data nowhere.json"),
    ],
)
def test_what_is_refused_before_anything_is_measured(options: list[str], message: str, bundle_of: CheckpointOf) -> None:
    result = run(bundle_of("fill-mask"), *options)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert result.stdout == ""


def test_an_engine_that_does_not_run_the_bundle(bundle_of: CheckpointOf) -> None:
    result = run(bundle_of("fill-mask"), "--engine", "litert")
    assert isinstance(result.exception, AlbertError)
    assert result.exception.exit_code == 3
    assert "litert" in str(result.exception)


def test_a_python_that_does_not_run(bundle_of: CheckpointOf, checkpoint_of: CheckpointOf) -> None:
    against = ["--against", checkpoint_of("fill-mask"), "--peer-python", "/nowhere/python"]
    result = run(bundle_of("fill-mask"), *against)
    assert isinstance(result.exception, UsageError)
    assert "/nowhere/python is not a Python that runs" in str(result.exception)


def test_the_command_imports_nothing_heavy() -> None:
    code = (
        "import sys; import albert_export.cli.bench; "
        "print(*sorted({name.split('.')[0] for name in sys.modules} & {'numpy', 'rich', 'torch', 'onnxruntime'}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == []
