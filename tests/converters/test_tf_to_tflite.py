"""From a traced function to a TFLite file of built-in operators."""

from __future__ import annotations

import pytest
import tensorflow as tf

from albert_converters import tflite_model
from albert_converters.tf_to_tflite import to_tflite
from albert_runtime.errors import OperatorError

FLOATS = tf.TensorSpec([None, 4], tf.float32, name="x")


def test_names_and_variables() -> None:
    matrix = tf.Variable(tf.ones([4, 4]))

    @tf.function(input_signature=[FLOATS])
    def looped(x: tf.Tensor) -> dict[str, tf.Tensor]:
        body = lambda i, y: (i + 1, tf.matmul(y, matrix))  # noqa: E731
        return {"y": tf.while_loop(lambda i, _: i < 3, body, (0, x))[1]}

    content = to_tflite(looped.get_concrete_function())
    model = tflite_model.loads(content)
    operators = {tflite_model.operator_name(model, one) for graph in model.subgraphs for one in graph.operators}
    assert "WHILE" in operators
    assert "READ_VARIABLE" not in operators
    [signature] = model.signatureDefs
    assert [tflite_model.text(entry.name) for entry in signature.inputs] == ["x"]
    assert [tflite_model.text(entry.name) for entry in signature.outputs] == ["y"]


def test_an_operator_that_tflite_lacks_is_named_with_its_layer() -> None:
    @tf.function(input_signature=[tf.TensorSpec([4, 4], tf.float32, name="x")])
    def lacking(x: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.name_scope("odd_layer"):
            return {"y": tf.raw_ops.MatrixDeterminant(input=x, name="strange")}

    with pytest.raises(OperatorError, match=r"MatrixDeterminant in .*odd_layer/strange") as caught:
        to_tflite(lacking.get_concrete_function())
    assert caught.value.exit_code == 9
