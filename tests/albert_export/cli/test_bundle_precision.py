"""`--precision` of the commands that take a bundle: the graph of a bundle with several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from albert_export.cli.main import main
from albert_export.evaluation import find_model
from tests.runtime.tiny_bundle import make_bundle_of_two

CONTEXT = "the tower stands in paris and rome is not far from there"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bundle_of_two(tmp_path / "two")


def test_inspect(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(folder), "--precision", "int8", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["precisions"] == ["fp32", "int8"]
    assert facts["manifest"]["precision"] == "int8"
    assert facts["graph"]["file"] == str(folder / "onnx" / "model_quantized.onnx")
    assert main(["inspect", str(folder)]) == 0
    assert "precisions  fp32, int8; --precision chooses the graph" in capsys.readouterr().out
    graph = folder / "onnx" / "model.onnx"
    assert main(["inspect", str(graph), "--precision", "int8"]) == 2
    assert f"--precision chooses a graph of a bundle, and {graph} is none" in capsys.readouterr().err


def test_vectors(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "vectors.json")
    assert main(["vectors", str(folder), "--precision", "int8", "-o", file]) == 0
    assert main(["vectors", str(folder), "--precision", "int8", "--check", file]) == 0
    capsys.readouterr()
    assert main(["vectors", str(folder), "--check", file]) == 2
    assert "made from another bundle" in capsys.readouterr().err


def test_evaluate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = [find_model(folder, precision=one).open()("where?", CONTEXT) for one in (None, "int8")]
    assert answers[0] != answers[1]
    data = folder.parent / "data.json"
    data.write_text("{}")
    assert main(["evaluate", str(folder), "--data", str(data), "--precision", "int4"]) == 2
    assert "the bundle has no graph in 'int4'; it has: fp32, int8" in capsys.readouterr().err


def test_verify_two_graphs_of_a_bundle(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(folder), "--model", str(folder), "--quiet"]) == 0
    assert main(["verify", str(folder), "--model", str(folder), "--precision", "int8", "--quiet"]) == 6
    assert "values" in capsys.readouterr().err


def test_a_checkpoint_has_no_precisions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text("{}")
    data = tmp_path / "data.json"
    data.write_text("{}")
    assert main(["evaluate", str(tmp_path), "--data", str(data), "--precision", "int8"]) == 2
    assert "is a checkpoint, which is evaluated in float32; leave --precision out" in capsys.readouterr().err


def test_web_exports_checkpoints_in_int8_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["web", "--task", "qa", "--precision", "fp32"]) == 2
    assert "--precision chooses a graph of BUNDLE" in capsys.readouterr().err
