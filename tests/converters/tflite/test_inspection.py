"""`inspect_tflite` counts copies, matmuls by arithmetic, and subgraphs, on models small enough to count by hand."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_converters.tflite.inspection import inspect_tflite
from albert_converters.tflite.model import dumps
from albert_runtime.errors import UnsupportedError
from tests.tiny_tflite import TinyModel, looping_model, two_linear_layers

MATRIX = np.arange(256, dtype=np.float32).reshape(16, 16)
LOOP = dumps(looping_model(MATRIX))


def save(folder: Path, model: schema.ModelT, *, behind: bytes = b"") -> Path:
    file = folder / "model.tflite"
    file.write_bytes(dumps(model) + behind)
    return file


def test_copies_types_and_tensors(tmp_path: Path) -> None:
    file = save(tmp_path, two_linear_layers(MATRIX, MATRIX.copy()))
    facts = inspect_tflite(file)
    assert facts["duplicated_weights"] == [{"names": ["first", "second"], "copies": 2, "bytes_each": 1024}]
    assert facts["weight_bytes"] == {"float32": 2048}
    assert facts["inputs"] == [{"name": "x", "type": "float32", "axes": [-1, 16]}]
    assert facts["outputs"] == [{"name": "y", "type": "float32", "axes": [-1, 16]}]
    assert facts["largest_weights"][0] == {"name": "first", "type": "float32", "axes": [16, 16], "bytes": 1024}
    assert facts["operators"] == {"FULLY_CONNECTED": 2}
    assert facts["producer"] == "made by hand"
    assert facts["bytes"] == file.stat().st_size
    assert facts["subgraphs"] == 0


def test_a_loop(tmp_path: Path) -> None:
    facts = inspect_tflite(save(tmp_path, looping_model(MATRIX)))
    assert facts["subgraphs"] == 2
    assert facts["operators"] == {"WHILE": 1, "LESS": 1, "ADD": 1, "FULLY_CONNECTED": 1}
    assert facts["matrix_products"] == {"FULLY_CONNECTED": 1}
    assert facts["weight_bytes"] == {"float32": 1024, "int32": 12}


def test_arithmetic_of_matmuls(tmp_path: Path) -> None:
    tiny = TinyModel()
    graph = tiny.graph()
    x, calibrated = graph.input("x", [1, 16]), graph.input("calibrated", [1, 16], np.int8)
    whole = MATRIX.astype(np.int8)
    unpacked = graph.tensor("unpacked", [16, 16])
    graph.operator("DEQUANTIZE", [graph.constant("half", MATRIX.astype(np.float16))], [unpacked])
    for source, matrix in (
        (x, graph.constant("float", MATRIX)),
        (x, graph.constant("dynamic", whole, scale=0.1)),
        (calibrated, graph.constant("static", whole.T.copy(), scale=0.1)),
        (x, unpacked),
    ):
        y = graph.tensor("y", [1, 16])
        graph.fully_connected(source, matrix, y)
        graph.outputs(y)
    # a matmul of two computed tensors has no weight
    graph.operator("BATCH_MATMUL", [x, x], [y], schema.BatchMatMulOptionsT())
    graph.operator("BATCH_MATMUL", [x, graph.constant("last", MATRIX + 1)], [y], schema.BatchMatMulOptionsT())

    facts = inspect_tflite(save(tmp_path, tiny.model))
    assert facts["arithmetic"] == {"float": 2, "dynamic": 1, "static": 1, "float, float16 weights": 1}
    assert facts["matrix_products"] == {"FULLY_CONNECTED": 4, "BATCH_MATMUL": 1}
    assert facts["quantized_share"] == pytest.approx(2 / 5)
    assert facts["weight_bytes"] == {"float32": 2048, "float16": 512, "int8": 512}
    # without a signature, tensors go by their own names
    assert [entry["name"] for entry in facts["inputs"]] == ["x", "calibrated"]


def test_metadata_and_packed_files(tmp_path: Path) -> None:
    model = looping_model(MATRIX)
    tiny = TinyModel()
    tiny.model = model
    version = schema.MetadataT(name="min_runtime_version", buffer=tiny.buffer(b"2.9.0".ljust(16, b"\0")))
    model.metadata += [version, schema.MetadataT(name="TFLITE_METADATA", buffer=tiny.buffer(b"1234"))]
    model.subgraphs[0].operators[0].opcodeIndex = len(model.operatorCodes)
    model.operatorCodes.append(schema.OperatorCodeT(32, "FlexErf", 1, schema.BuiltinOperator.CUSTOM))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("labels.txt", "good\nbad\n")
    facts = inspect_tflite(save(tmp_path, model, behind=archive.getvalue()))
    assert facts["min_runtime_version"] == "2.9.0"
    assert facts["metadata_bytes"] == {"min_runtime_version": 16, "TFLITE_METADATA": 4}
    assert facts["packed_files"] == {"labels.txt": 9}
    assert facts["operators"]["FlexErf"] == 1
    assert facts["weight_bytes"] == {"float32": 1024, "int32": 12}


def test_several_signatures(tmp_path: Path) -> None:
    model = two_linear_layers(MATRIX, MATRIX + 1)
    [first] = model.signatureDefs
    model.signatureDefs.append(schema.SignatureDefT(first.inputs, first.outputs, "other"))
    facts = inspect_tflite(save(tmp_path, model))
    assert [entry["name"] for entry in facts["inputs"]] == ["serving_default.x", "other.x"]


def test_what_is_not_tflite(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(b"not a graph at all")
    with pytest.raises(UnsupportedError, match="is not a TFLite model"):
        inspect_tflite(file)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(8, len(LOOP) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_damage_is_inspected_or_refused_but_nothing_else(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(LOOP)
    for position, value in changes:
        damaged[position] = value
    file = tmp_path / "model.tflite"
    file.write_bytes(damaged)
    with contextlib.suppress(UnsupportedError):
        assert inspect_tflite(file)["operators"]
