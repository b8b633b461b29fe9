"""--rename and --ignore-weights mean the same in every command that reads a checkpoint; inspect shows the account."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from albert_export.cli.main import main
from tests.conftest import CheckpointOf

OPTIONS = ("--rename", "fc=classifier", "--ignore-weights", "crf.*")


@pytest.fixture(scope="module")
def changed(checkpoint_of: CheckpointOf, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text classifier with its head under another name, weights that nothing reads, and a wrapper's prefix."""
    folder = tmp_path_factory.mktemp("changed") / "my-albert"
    shutil.copytree(checkpoint_of("text-classification"), folder)
    weights = load_file(folder / "model.safetensors")
    renamed = {f"module.{name.replace('classifier.', 'fc.')}": array for name, array in weights.items()}
    added = {"module.crf.transitions": np.ones((2, 2), np.float32)}
    save_file(renamed | added, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def exported(changed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    bundle = tmp_path_factory.mktemp("bundle") / "onnx"
    assert main(["onnx", "--model", str(changed), "--output", str(bundle), "--quiet", *OPTIONS]) == 0
    return bundle


def test_the_export_is_that_of_the_ordinary_checkpoint(
    exported: Path, checkpoint_of: CheckpointOf, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(exported), "--model", str(checkpoint_of("text-classification"))]) == 0


@pytest.mark.parametrize("command", ["verify", "evaluate", "sensitivity", "onnx"])
def test_the_commands(
    command: str, exported: Path, changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.tsv"
    data.write_text("sentence\tlabel\na good film\tLABEL_1\na bad film\tLABEL_0\n")
    model = ["--model", str(changed)]
    arguments = {
        "verify": ["verify", str(exported), *model],
        "evaluate": ["evaluate", str(changed), "--data", str(data)],
        "sensitivity": ["sensitivity", *model, "--limit", "1"],
        "onnx": ["onnx", *model, "--output", str(tmp_path / "bundle")],
    }[command]
    assert main(arguments) == 3
    error = capsys.readouterr().err
    for name in ("module.fc.weight", "module.fc.bias", "module.crf.transitions [2, 2]"):
        assert name in error
    assert not (tmp_path / "bundle").exists()
    if command != "onnx":  # the fixture has exported it already
        assert main([*arguments, *OPTIONS]) == 0
    if command == "sensitivity":
        assert "--rename fc=classifier --ignore-weights 'crf.*'" in capsys.readouterr().out


def test_tflite_refuses_too(changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tflite", "--model", str(changed), "--output", str(tmp_path / "bundle")]) == 3
    assert "module.crf.transitions" in capsys.readouterr().err


def test_a_wrong_option(changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["onnx", "--model", str(changed), "--rename", "fc"]) == 2
    assert "'fc' is not OLD=NEW" in capsys.readouterr().err


def test_inspect_prints_the_account(changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(changed)]) == 0
    text = capsys.readouterr().out
    for line in (
        "weights     model.safetensors: 25 in float32",
        "prefix      module.albert.",
        "read        encoder: 23 weights",
        "read        albert.pooler: 2 weights",
        "unknown     module.crf.transitions [2, 2]: an export refuses it (see --rename and --ignore-weights)",
        "unknown     module.fc.weight [2, 16]",
    ):
        assert line in text
    assert main(["inspect", str(changed), "--json", *OPTIONS]) == 0
    weights = json.loads(capsys.readouterr().out)["weights"]
    assert weights["unknown"] == {}
    assert weights["left_out"] == ["module.crf.transitions"]
    assert weights["used"]["module.fc.bias"] == "classifier.bias"
    assert weights["parts"]["classifier"] == {"weights": 2, "numbers": 34}
