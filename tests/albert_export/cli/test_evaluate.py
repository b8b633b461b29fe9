"""The command `evaluate`: metrics on standard output, predictions in a file, errors before any model is loaded."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from albert_export.cli.evaluate import _progress_bar
from albert_export.cli.main import cli
from albert_export.evaluation import Example
from albert_export.evaluation import model_loading as model
from albert_runtime.errors import AlbertError, UnsupportedError, UsageError
from tests.conftest import CheckpointOf

SQUAD = {
    "version": "1.1",
    "data": [{"paragraphs": [{"context": "Ada lived in London.", "qas": [
        {"id": f"q{index}", "question": "Where?", "answers": [{"text": "London", "answer_start": 13}]}
        for index in range(3)
    ]}]}],
}  # fmt: skip


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["evaluate", *map(str, arguments)])


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    file = tmp_path / "dev.json"
    file.write_text(json.dumps(SQUAD))
    return file


def test_figures(bundle_of: CheckpointOf, squad: Path) -> None:
    result = run(bundle_of("question-answering"), "--data", squad)
    assert result.exit_code == 0, result.output
    first, second, *metrics = result.stdout.splitlines()
    assert first.startswith(f"{bundle_of('question-answering')}: question-answering by ")
    assert second.startswith(f"{squad}: 3 examples in ")
    assert [line.split()[0] for line in metrics] == ["exact_match", "f1"]
    assert result.stderr == ""


def test_the_progress_bar_shows_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    examples = [Example({"text": str(number)}, "") for number in range(3)]
    monkeypatch.setenv("TERM", "xterm")
    for quiet, shown in ((False, True), (True, False)):
        monkeypatch.setattr(sys, "stderr", Terminal())
        with _progress_bar(quiet) as track:
            assert list(track(examples)) == examples
        assert ("3/3" in sys.stderr.getvalue()) is shown  # type: ignore[attr-defined]
        assert ("evaluating" in sys.stderr.getvalue()) is shown  # type: ignore[attr-defined]


def test_json(bundle_of: CheckpointOf, squad: Path) -> None:
    result = run(bundle_of("question-answering"), "--data", squad, "--json", "--limit", 2)
    record = json.loads(result.stdout)
    assert record.keys() == {
        "model", "data", "task", "format", "examples", "left_out", "primary", "metrics", "seconds", "engine",
    }  # fmt: skip
    assert record["data"] == str(squad)
    assert record["examples"] == 2
    assert record["primary"] in record["metrics"]
    assert record["engine"].lower().startswith("onnx")


def test_predictions_of_squad(bundle_of: CheckpointOf, squad: Path, tmp_path: Path) -> None:
    file = tmp_path / "new" / "predictions.json"
    result = run(bundle_of("question-answering"), "--data", squad, "--predictions", file, "--limit", 2)
    assert result.exit_code == 0, result.output
    predictions = json.loads(file.read_text())
    assert list(predictions) == ["q0", "q1"]
    assert all(answer in "Ada lived in London." for answer in predictions.values())
    assert [path.name for path in file.parent.iterdir()] == ["predictions.json"]


def test_predictions_of_a_checkpoint(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    data, file = tmp_path / "book.txt", tmp_path / "predictions.jsonl"
    data.write_text("The cat sat on the mat.\nThe \udc80 dog barked at it.\n", errors="replace")
    result = run(checkpoint_of("pretraining"), "--task", "mlm", "--data", data, "--predictions", file, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["task"] == "fill-mask"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["index"] for line in lines] == [0, 1]
    assert lines[0].keys() == {"index", "request", "expected", "answer"}
    assert lines[0]["request"]["text"].replace("[MASK]", lines[0]["expected"]) == "The cat sat on the mat."


def test_bad_data_is_refused_before_the_model_is_loaded(
    checkpoint_of: CheckpointOf, bundle_of: CheckpointOf, squad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted(*args: object, **kwargs: object) -> None:
        raise AssertionError("the model was loaded")

    for name in ("build_reference", "load"):
        monkeypatch.setattr(model, name, unwanted)
    for folder in (checkpoint_of("fill-mask"), bundle_of("fill-mask")):
        result = run(folder, "--data", squad)
        assert isinstance(result.exception, UsageError)
        assert "looks like a SQuAD JSON file" in str(result.exception)
        assert result.stdout == ""


@pytest.mark.parametrize(
    ("task", "arguments", "message"),
    [
        ("question-answering", ["--data", "absent.json"], "can't read the evaluation data absent.json"),
        ("question-answering", ["--predictions", "."], ". is a folder; give the name of a file"),
        ("question-answering", ["--task", "cls"], "is a bundle for question-answering, not for text-classification"),
    ],
)
def test_mistakes(bundle_of: CheckpointOf, squad: Path, task: str, arguments: list[str], message: str) -> None:
    result = run(bundle_of(task), "--data", squad, *arguments)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert result.stdout == ""


def test_inputs_are_never_overwritten(bundle_of: CheckpointOf, squad: Path, tmp_path: Path) -> None:
    folder = bundle_of("question-answering")
    (tmp_path / "link.json").symlink_to(squad)
    (tmp_path / "copy.json").hardlink_to(squad)
    (tmp_path / "manifest.json").symlink_to(folder / "manifest.json")
    before = {path: path.read_bytes() for path in (squad, *(path for path in folder.iterdir() if path.is_file()))}
    for file, message in (
        (squad, f"{squad} is the labelled data, which is never overwritten; give --predictions another name"),
        (tmp_path / "link.json", "link.json is the labelled data"),
        (tmp_path / "copy.json", "copy.json is the labelled data"),
        (folder / "manifest.json", f"manifest.json belongs to the model in {folder}"),
        (folder / "new" / "predictions.json", f"predictions.json belongs to the model in {folder}"),
        (tmp_path / "manifest.json", f"manifest.json belongs to the model in {folder}"),
    ):
        result = run(folder, "--data", squad, "--predictions", file)
        assert isinstance(result.exception, UsageError)
        assert message in str(result.exception)
        assert result.stdout == ""
    assert {path: path.read_bytes() for path in before} == before
    assert not (folder / "new").exists()


def test_a_missing_head_is_reported_before_the_data(checkpoint_of: CheckpointOf, squad: Path) -> None:
    result = run(checkpoint_of("question-answering"), "--data", squad, "--task", "cls")
    assert isinstance(result.exception, UnsupportedError)
    assert "has no head for text-classification" in str(result.exception)


def test_vectors(bundle_of: CheckpointOf, squad: Path) -> None:
    result = run(bundle_of("feature-extraction"), "--data", squad)
    assert isinstance(result.exception, UnsupportedError)
    assert "albert-export verify" in str(result.exception)


def test_metrics_are_printed_even_if_predictions_cannot_be_written(
    bundle_of: CheckpointOf, squad: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    result = run(bundle_of("question-answering"), "--data", squad, "--predictions", tmp_path / "file" / "below")
    assert isinstance(result.exception, AlbertError)
    assert "exact_match" in result.stdout


def test_usage(tmp_path: Path) -> None:
    assert "Missing option '--data'" in run(tmp_path).stderr
    assert run(tmp_path, "--data", "x", "--limit", 0).exit_code == 2
    assert run("--help").stdout.startswith("Usage: cli evaluate [OPTIONS] MODEL\n")


def test_the_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, albert_export.cli.main, albert_export.evaluation\n"
        "heavy = {'torch', 'tensorflow', 'sklearn', 'seqeval', 'numpy', 'onnxruntime', 'rich'}\n"
        "print(*heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
