"""A traced function is converted to a TFLite file of built-in operators, which stores each weight once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.convert import to_tflite
from albert_runtime.errors import ConversionError, OperatorError
from tests.tiny_graph import run_tflite

SIZE = 8
MATRIX = np.random.default_rng(0).normal(0, 0.4, (SIZE, SIZE)).astype(np.float32)
VARIABLE = tf.Variable(MATRIX)
TURNS = 3
Step = Callable[[tf.Tensor], tf.Tensor]


def looped(step: Step = lambda y: y, *, rows: int | None = None) -> Any:
    """Return a function z, x -> last, first; both outputs multiply by the same variable M.

    last: `step(x M^T)`, applied three times in a WHILE loop; first: x M^T + z.
    """
    named = [tf.TensorSpec([rows, SIZE], tf.float32, name=name) for name in ("z", "x")]

    def body(index: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.name_scope("odd_layer"):
            return index + 1, step(tf.matmul(y, VARIABLE, transpose_b=True))

    @tf.function(input_signature=named, autograph=False)
    def graph(z: tf.Tensor, x: tf.Tensor) -> dict[str, tf.Tensor]:
        last = tf.while_loop(lambda index, _: index < TURNS, body, (0, x))[1]
        return {"last": last, "first": tf.matmul(x, VARIABLE, transpose_b=True) + z}

    return graph.get_concrete_function()


@pytest.fixture(scope="module")
def content() -> bytes:
    return to_tflite(looped())


def operators_in(content: bytes) -> set[str]:
    model = tflite_model.loads(content)
    return {tflite_model.operator_name(model, one) for graph in model.subgraphs for one in graph.operators}


def test_values_at_any_number_of_rows(content: bytes) -> None:
    random = np.random.default_rng(1)
    for rows in (1, 5, 2):
        x, z = random.normal(size=(2, rows, SIZE)).astype(np.float32)
        got = run_tflite(content, x=x, z=z)
        np.testing.assert_allclose(got["first"], x @ MATRIX.T + z, atol=1e-5)
        np.testing.assert_allclose(got["last"], x @ np.linalg.matrix_power(MATRIX.T, TURNS), atol=1e-5)


def test_names_and_axes(content: bytes) -> None:
    model = tflite_model.loads(content)
    [signature] = model.signatureDefs
    assert {tflite_model.text(entry.name) for entry in signature.inputs} == {"x", "z"}
    assert {tflite_model.text(entry.name) for entry in signature.outputs} == {"first", "last"}
    assert tflite_model.text(signature.signatureKey) == "serving_default"
    main = model.subgraphs[0]
    for indexes, names in ((main.inputs, ["z", "x"]), (main.outputs, ["first", "last"])):
        tensors = [main.tensors[index] for index in indexes]
        # engines without support for signatures use the names of tensors, or the order of the function's arguments
        assert [tflite_model.text(tensor.name) for tensor in tensors] == names
        assert [tflite_model.axes(tensor) for tensor in tensors] == [[-1, SIZE]] * 2


def test_static_shapes() -> None:
    model = tflite_model.loads(to_tflite(looped(rows=2)))
    main = model.subgraphs[0]
    assert {tuple(tflite_model.axes(main.tensors[index])) for index in main.inputs} == {(2, SIZE)}


def test_variables_become_constants_that_are_stored_once(content: bytes) -> None:
    """In TFLite's own conversion loop bodies read variables, and moved constants leave a copy behind."""
    operators = operators_in(content)
    assert "WHILE" in operators
    assert not operators & {"READ_VARIABLE", "VAR_HANDLE", "CALL_ONCE"}
    assert content.count(MATRIX.tobytes()) == 1
    model = tflite_model.loads(content)
    used = tflite_model.metadata_buffers(model)
    for graph in model.subgraphs:
        wanted = {*graph.inputs, *graph.outputs}
        for operator in graph.operators:
            wanted.update((*operator.inputs, *operator.outputs))
        used |= {graph.tensors[index].buffer for index in wanted if index >= 0}
    filled = {index for index, buffer in enumerate(model.buffers) if tflite_model.content(buffer).size}
    assert filled <= used


def test_equal_functions_make_equal_bytes(content: bytes) -> None:
    assert to_tflite(looped()) == content
    function = looped()
    assert to_tflite(function) == to_tflite(function)


def test_another_process_makes_equal_bytes(content: bytes, tmp_path: Path) -> None:
    script = (
        "import pathlib, sys; from tests.converters.tflite.test_convert import looped, to_tflite; "
        "pathlib.Path(sys.argv[1]).write_bytes(to_tflite(looped()))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "file")], env=environment, check=True, capture_output=True
    )
    assert (tmp_path / "file").read_bytes() == content


def test_operators_that_tflite_lacks_are_named_with_their_layers() -> None:
    def lacking(y: tf.Tensor) -> tf.Tensor:
        return tf.raw_ops.Erfinv(x=tf.raw_ops.Ndtri(x=y, name="strange"), name="stranger")

    with pytest.raises(OperatorError) as caught:
        to_tflite(looped(lacking))
    assert caught.value.exit_code == 9
    headline, *problems, advice = str(caught.value).splitlines()
    assert "no built-in operator" in headline
    assert problems == ["  - Erfinv in while/odd_layer/stranger", "  - Ndtri in while/odd_layer/strange"]
    assert "ops_compatibility" in advice


def test_python_functions_in_the_message_are_not_taken_for_operators() -> None:
    """The converter's message quotes the source lines that an operator comes from."""

    def doubles(y: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.matmul(tf.cast(y, tf.float64), tf.ones([SIZE, SIZE], tf.float64)), tf.float32)

    with pytest.raises(OperatorError) as caught:
        to_tflite(looped(doubles))
    problems = [line for line in str(caught.value).splitlines() if line.startswith("  - ")]
    assert [problem.split()[1] for problem in problems] == ["MatMul"]
    assert "while/odd_layer/MatMul_1" in problems[0]


def test_a_function_that_changes_its_variables() -> None:
    state = tf.Variable(tf.ones([SIZE]))

    @tf.function(input_signature=[tf.TensorSpec([None, SIZE], tf.float32, name="x")], autograph=False)
    def counting(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": x * state.assign_add(tf.ones([SIZE]))}

    with pytest.raises(ConversionError, match=r"can't convert the model to TFLite: .+") as caught:
        to_tflite(counting.get_concrete_function())
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("what is tf.cast( here?\nsecond line"), r"what is tf\.cast\( here\?$"),
        (MemoryError(), "MemoryError$"),
    ],
)
def test_other_failures_of_the_converter(error: Exception, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Any) -> bytes:
        raise error

    converter = tf.lite.TFLiteConverter.from_concrete_functions([looped()], tf.Module())
    monkeypatch.setattr(type(converter), "convert", fails)
    with pytest.raises(ConversionError, match=message) as caught:
        to_tflite(looped())
    assert caught.value.__cause__ is error
