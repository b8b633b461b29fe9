"""`inspect_path` finds out what a path is, and `describe` tells its facts in the same words for every format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from albert_converters.tflite.model import dumps
from albert_export.inspection import describe, inspect_path
from albert_runtime.errors import UnsupportedError
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph, write_manifest
from tests.tiny_tflite import looping_model

MATRIX = np.eye(16, dtype=np.float32)


def test_a_tflite_file(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(dumps(looping_model(MATRIX)))
    facts = inspect_path(file)
    assert facts["kind"] == "tflite"
    assert json.loads(json.dumps(facts)) == facts
    text = describe(facts)
    for line in (
        "input       x float32 [-1, 16]",
        "FULLY_CONNECTED 1; 2 subgraphs",
        "weights     float32 1,024 bytes, int32 12 bytes; each weight once",
        "matmuls     FULLY_CONNECTED 1; 0% quantized",
        "arithmetic  float 1",
        "large       matrix float32 [16, 16] 1,024 bytes",
        "packed      none",
    ):
        assert line in text


def test_a_tflite_bundle(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path, "question-answering")
    (bundle / "model.onnx").unlink()
    (bundle / "model.tflite").write_bytes(dumps(looping_model(MATRIX)))
    write_manifest(bundle, task="question-answering", model_file="model.tflite")
    facts = inspect_path(bundle)
    assert facts["kind"] == "bundle"
    assert facts["manifest"]["model_file"] == "model.tflite"
    assert facts["graph"]["operators"]["WHILE"] == 1
    text = describe(facts)
    assert "question-answering" in text
    assert "WHILE 1" in text


def test_an_onnx_file(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(question_answering_graph())
    facts = inspect_path(file)
    assert facts["kind"] == "onnx"
    text = describe(facts)
    for line in ("opsets      ai.onnx", "arithmetic  none", "attention   0 matmuls of two activations"):
        assert line in text


def test_other_files(tmp_path: Path) -> None:
    (tmp_path / "model.pb").write_bytes(b"x")
    with pytest.raises(UnsupportedError, match=r"model\.pb is not a \.onnx file, a \.tflite file, a bundle"):
        inspect_path(tmp_path / "model.pb")
    (tmp_path / "model.tflite").write_bytes(b"not a graph")
    with pytest.raises(UnsupportedError, match=r"model\.tflite is not a TFLite model"):
        inspect_path(tmp_path / "model.tflite")
