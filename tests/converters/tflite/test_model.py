"""A TFLite file that is read and written again is the same model, and other files are refused with a message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.model import dumps, load, loads, name_tensors, operator_name, share_equal_buffers, write
from albert_runtime.errors import ConversionError, UnsupportedError, UsageError
from tests.tiny_tflite import TinyModel, looping_model, two_linear_layers

MATRIX = np.random.default_rng(0).normal(size=(16, 16)).astype(np.float32)
X = np.random.default_rng(1).normal(size=(3, 16)).astype(np.float32)
LOOP = dumps(looping_model(MATRIX))


def run(content: bytes, x: np.ndarray, *, name: str = "x", output: str = "y") -> np.ndarray:
    interpreter = Interpreter(model_content=content)
    interpreter.resize_tensor_input(interpreter.get_signature_runner().get_input_details()[name]["index"], x.shape)
    return interpreter.get_signature_runner()(**{name: x})[output]


def test_a_loop_survives_reading_and_writing(tmp_path: Path) -> None:
    (tmp_path / "loop.tflite").write_bytes(LOOP)
    again = dumps(load(tmp_path / "loop.tflite"))
    assert np.array_equal(run(again, X), run(LOOP, X))
    assert run(again, X) == pytest.approx(X @ MATRIX.T @ MATRIX.T @ MATRIX.T, abs=1e-3)
    assert again == LOOP


def test_a_file_is_written_as_in_memory(tmp_path: Path) -> None:
    write(looping_model(MATRIX), tmp_path / "model.tflite")
    assert (tmp_path / "model.tflite").read_bytes() == LOOP


def test_buffers_are_aligned() -> None:
    content = dumps(two_linear_layers(MATRIX, MATRIX + 1))
    assert content[4:8] == b"TFL3"
    for array in (MATRIX, MATRIX + 1):
        assert content.index(array.tobytes()) % 16 == 0


def test_operator_names() -> None:
    tiny = TinyModel()
    graph = tiny.graph()
    x, y = graph.input("x", [1]), graph.tensor("y", [1])
    for name in ("ADD", "GELU", "FlexErf"):
        graph.operator(name, [x], [y])
    model = loads(dumps(tiny.model))
    names = [operator_name(model, operator) for operator in model.subgraphs[0].operators]
    assert names == ["ADD", "GELU", "FlexErf"]
    # the oldest files have only the first field
    model.operatorCodes[0] = schema.OperatorCodeT(deprecatedBuiltinCode=9, builtinCode=0)
    assert operator_name(model, model.subgraphs[0].operators[0]) == "FULLY_CONNECTED"


# --- equal buffers --------------------------------------------------------------------------------------------------


def test_equal_constants_are_stored_once() -> None:
    model = two_linear_layers(MATRIX, MATRIX.copy())
    before = dumps(model)
    assert share_equal_buffers(model) == 1024
    after = dumps(model)
    assert len(before) - len(after) >= 1024
    assert np.array_equal(run(after, X), run(before, X))
    assert share_equal_buffers(model) == 0


def test_buffers_that_are_not_merged() -> None:
    differs_in_the_last_byte = MATRIX.copy()
    differs_in_the_last_byte[-1, -1] += 1
    model = two_linear_layers(MATRIX, differs_in_the_last_byte)
    tiny = TinyModel()
    tiny.model = model
    graph = model.subgraphs[0]
    # a variable with the initial value MATRIX, metadata with the same bytes, and two equal constants that are too small
    model.metadata.append(schema.MetadataT(name="copy", buffer=tiny.buffer(MATRIX.tobytes())))
    state = schema.TensorT(shape=[16, 16], buffer=tiny.buffer(MATRIX.tobytes()), name="state", isVariable=True)
    small = [schema.TensorT(shape=[63], buffer=tiny.buffer(b"\1" * 252), name=name) for name in ("one", "other")]
    graph.tensors += [state, *small]
    before = [tensor.buffer for tensor in graph.tensors]
    assert share_equal_buffers(model) == 0
    assert [tensor.buffer for tensor in graph.tensors] == before


def test_equal_constants_of_different_subgraphs() -> None:
    model = looping_model(MATRIX)
    tiny = TinyModel()
    tiny.model = model
    main = model.subgraphs[0]
    main.tensors.append(schema.TensorT(shape=[16, 16], buffer=tiny.buffer(MATRIX.tobytes()), name="matrix again"))
    assert share_equal_buffers(model) == 1024
    matrices = [tensor.buffer for graph in model.subgraphs for tensor in graph.tensors if "matrix" in tensor.name]
    assert len(matrices) == 2
    assert len(set(matrices)) == 1


# --- names ----------------------------------------------------------------------------------------------------------


def test_names_and_order() -> None:
    tiny = TinyModel()
    graph = tiny.graph()
    left, right = graph.input("a:0", [2]), graph.input("b:0", [2])
    total, difference = graph.tensor("c:0", [2]), graph.tensor("d:0", [2])
    graph.operator("ADD", [left, right], [total], schema.AddOptionsT())
    graph.operator("SUB", [left, right], [difference], schema.SubOptionsT())
    graph.outputs(total, difference)
    tiny.sign({"left": left, "right": right}, {"total": total, "difference": difference})
    model = loads(dumps(tiny.model))
    name_tensors(model, inputs=["right", "left"], outputs=["difference", "total"])

    interpreter = Interpreter(model_content=dumps(model))
    assert [entry["name"] for entry in interpreter.get_input_details()] == ["right", "left"]
    assert [entry["name"] for entry in interpreter.get_output_details()] == ["difference", "total"]
    one, two = np.float32([1, 1]), np.float32([2, 5])
    results = interpreter.get_signature_runner("serving_default")(left=one, right=two)
    assert results["difference"].tolist() == [-1, -4]
    assert results["total"].tolist() == [3, 6]


def test_unknown_names_are_refused() -> None:
    model = loads(LOOP)
    with pytest.raises(ConversionError) as error:
        name_tensors(model, inputs=["ids", "mask"], outputs=["probability"])
    assert "its inputs are x, not ids, mask" in str(error.value)
    assert "its outputs are y, not probability" in str(error.value)
    model.signatureDefs = []
    with pytest.raises(ConversionError, match="0 signatures"):
        name_tensors(model, inputs=["x"], outputs=["y"])


# --- invalid models -------------------------------------------------------------------------------------------------


def test_missing_or_empty_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't read .*nowhere"):
        load(tmp_path / "nowhere.tflite")
    (tmp_path / "empty.tflite").touch()
    with pytest.raises(UnsupportedError, match=r"empty\.tflite is empty"):
        load(tmp_path / "empty.tflite")


@pytest.mark.parametrize("content", [b"\xff" * 100, b"not a graph at all", b"PK\3\4", b"TFL3"])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedError, match=r"is not a TFLite model: .* TFL3; give a \.tflite file"):
        loads(content)


def test_every_truncation_is_refused() -> None:
    for length in range(8, len(LOOP) - 1024, 37):
        with pytest.raises(UnsupportedError, match=r"(damaged or cut short|can't be read); fetch or export it again"):
            loads(LOOP[:length])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(8, len(LOOP) - 1), st.integers(0, 255)), max_size=20), st.binary(max_size=200))
def test_damaged_files_are_read_or_refused(changes: list[tuple[int, int]], noise: bytes) -> None:
    damaged = bytearray(LOOP)
    for position, value in changes:
        damaged[position] = value
    for content in (bytes(damaged), LOOP[:8] + noise, noise):
        try:
            model = loads(content)
        except UnsupportedError:
            continue
        for graph in model.subgraphs:
            assert all(operator_name(model, operator) for operator in graph.operators or [])


def test_weights_behind_the_flatbuffer() -> None:
    """ai-edge-quantizer writes such files. They can be read, and are written with the weights inside."""
    model = looping_model(MATRIX)
    [index] = [number for number, buffer in enumerate(model.buffers) if tflite_model.content(buffer).size == 1024]
    model.buffers[index] = schema.BufferT(offset=4096, size=1024)
    content = dumps(model).ljust(4096, b"\0") + MATRIX.tobytes()
    again = dumps(loads(content))
    assert again == LOOP
    assert np.array_equal(run(again, X), run(content, X))
    with pytest.raises(UnsupportedError, match=r"behind the flatbuffer are missing"):
        loads(content[:-1])


def test_invalid_indexes_are_refused() -> None:
    model = looping_model(MATRIX)
    model.subgraphs[2].operators[0].inputs = [0, 99]
    model.subgraphs[1].tensors[0].buffer = 99
    model.subgraphs[0].operators[0].opcodeIndex = 99
    model.signatureDefs[0].inputs[0].tensorIndex = 99
    model.metadata.append(schema.MetadataT(name="lost", buffer=99))
    with pytest.raises(UnsupportedError) as error:
        loads(dumps(model))
    for problem in (
        "metadata 'lost' is missing",
        "subgraph 0 uses operators",
        "subgraph 1 uses buffers",
        "subgraph 2 uses tensors",
        "signature 'serving_default' refers to tensors",
    ):
        assert problem in str(error.value)


@pytest.mark.parametrize("outputs", [[99], [-1]])
def test_invalid_outputs_are_refused(outputs: list[int]) -> None:
    model = looping_model(MATRIX)
    model.subgraphs[2].operators[0].outputs = outputs
    with pytest.raises(UnsupportedError, match=r"fetch or export it again:\n  - subgraph 2 uses tensors"):
        loads(dumps(model))


def test_operators_without_outputs() -> None:
    def of(name: str, *outputs: str) -> bytes:
        tiny = TinyModel()
        graph = tiny.graph()
        graph.operator(name, [graph.input("x", [1])], [graph.tensor(output, [1]) for output in outputs])
        return dumps(tiny.model)

    for name in ("FULLY_CONNECTED", "ADD"):
        with pytest.raises(UnsupportedError, match=r"fetch or export it again:\n  - subgraph 0 has operators without"):
            loads(of(name))
        assert loads(of(name, "y")).subgraphs
    for name in ("ASSIGN_VARIABLE", "CALL_ONCE", "FlexPrint"):
        assert loads(of(name)).subgraphs


def test_a_model_too_large_for_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite_model, "_LARGEST_FILE", 1000)
    with pytest.raises(ConversionError, match=r"can hold 1,000; choose a smaller precision"):
        dumps(looping_model(MATRIX))
