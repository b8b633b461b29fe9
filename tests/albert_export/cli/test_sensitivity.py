"""`albert-export sensitivity`: figures on stdout, a plot if it is asked for, and a message for every mistake."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from albert_export.cli.main import main
from tests.conftest import CheckpointOf

QA = "question-answering"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.txt"
    file.write_text("A typical question of somebody?\tA typical context.\n\nAnother line, after an empty one.\n")
    return file


def test_table_and_plot(
    checkpoint_of: CheckpointOf, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, plot = str(checkpoint_of(QA)), tmp_path / "map.png"
    assert main(["sensitivity", "-m", model, "--calibration-data", str(texts), "--plot", str(plot)]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("question-answering, int8; 2 inputs, ")
    assert f"next: albert-export onnx --model {model} --precision int8 " in printed.out
    assert printed.err == ""
    assert plot.read_bytes().startswith(PNG)


def test_json(checkpoint_of: CheckpointOf, texts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(checkpoint_of(QA))
    options = ["--precision", "int4", "--calibration-data", str(texts), "--limit", "1", "--json"]
    assert main(["sensitivity", "--model", model, "--task", "qa", *options]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["model"], figures["task"], figures["precision"]) == (model, QA, "int4")
    assert (figures["samples"], figures["passes"], len(figures["rows"])) == (1, 3, 1 + 6 * 4 + 1)
    assert figures["worst"][0] in {row["module"] for row in figures["rows"]}


def test_the_demo_checkpoint_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensitivity", "--task", "cls", "--limit", "1"]) == 0
    assert "next: albert-export onnx --task cls --precision int8 " in capsys.readouterr().out


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensitivity", "--help"]) == 0
    assert capsys.readouterr().out.count("albert-export sensitivity ") >= 3


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "--model FOLDER, or --task TASK"),
        (["--task", "translation"], 2, "unknown task 'translation'; the tasks are"),
        (["--task", "qa", "--precision", "fp16"], 2, "the precisions are int8, int4"),
        (["--task", "qa", "--limit", "0"], 2, "--limit"),
        (["--task", "qa", "--plot", "map.pdf"], 2, "a plot is .png or .svg"),
        (["--task", "qa", "--plot", "nowhere/map.png"], 2, "there is no folder nowhere"),
        (["--task", "qa", "--plot", "."], 2, "it is a folder"),
        (["--task", "qa", "--calibration-data", "nothing.txt"], 2, "can't read the calibration data nothing.txt"),
        (["--task", "qa", "--calibration-data", "word.txt"], 2, "less than a sentence"),
        (["--task", "qa", "--calibration-data", "blank.txt"], 2, "is empty"),
        (["--model", "nothing"], 2, "nothing"),
        (["--model", "word.txt"], 3, "word.txt is a file"),
    ],
)
def test_mistakes_are_refused(
    options: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "word.txt").write_text("word\n")
    (tmp_path / "blank.txt").write_text("\n \n\t\n")
    before = sorted(tmp_path.rglob("*"))
    assert main(["sensitivity", *options]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert sorted(tmp_path.rglob("*")) == before


def test_weights_that_are_not_finite_are_named(
    checkpoint_of: CheckpointOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(checkpoint_of(QA), tmp_path / "model")
    weights = load_file(model / "model.safetensors")
    weights["qa_outputs.weight"][0, 0] = np.nan
    save_file(weights, model / "model.safetensors")
    assert main(["sensitivity", "--model", str(model)]) == 3
    assert "qa_outputs.weight has values that are not finite" in capsys.readouterr().err


def test_a_head_that_is_absent_is_refused_or_random(
    checkpoint_of: CheckpointOf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["sensitivity", "--model", str(checkpoint_of(QA)), "--task", "ner", "--limit", "1"]
    assert main(options) == 3
    assert "no head for token-classification" in capsys.readouterr().err
    texts = tmp_path / "texts.txt"
    texts.write_text("The cat sat on the mat.\n")
    assert main([*options, "--allow-random-head", "--calibration-data", str(texts)]) == 0
    printed = capsys.readouterr().out
    assert "classifier" in printed
    assert f"--precision int8 --calibration-data {texts} --allow-random-head" in " ".join(printed.split())
