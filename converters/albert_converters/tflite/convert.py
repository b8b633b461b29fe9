"""From a traced TensorFlow function to a TFLite graph of built-in operators."""

from __future__ import annotations

import re
import tempfile
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from albert_converters.tflite import model as tflite_model
from albert_runtime.errors import ConversionError, OperatorError, listed

#: what the converter says of operators that it has no built-in for, among much else: TF Select ops: Erfinv, Lgamma
_FLEX = re.compile(r"^\s*(?:TF Select|Custom) ops: (.+)$", re.MULTILINE)


def to_tflite(function: Any) -> bytes:
    """The TFLite file of `function`, in float32, with one signature by the names of its inputs and outputs.

    Args:
        function: a `tf.ConcreteFunction` with named inputs and a dict of outputs.

    Raises:
        OperatorError: TFLite has no built-in operator for something in the function; each is named with its layer.
        ConversionError: the converter fails for another reason.
    """
    try:
        converter = tf.lite.TFLiteConverter.from_concrete_functions([_with_constants(function)], tf.Module())
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        content = bytes(converter.convert())
    except Exception as error:  # ConverterError, and whatever else MLIR raises through it
        raise _conversion_error(function, str(error).strip() or type(error).__name__) from error
    parsed = tflite_model.loads(content, name="the converted model")
    if not parsed.signatureDefs:
        # the function always has one: it went through a folder of temporary files, and did not come out whole
        raise ConversionError(
            f"TensorFlow lost parts of the model on its way through {tempfile.gettempdir()}; is that disk full? Free "
            "some space there, or name another folder for temporary files: export TMPDIR=/some/folder"
        )
    # for readers that don't know signatures
    inputs = [spec.name for spec in function.structured_input_signature[0]]
    tflite_model.name_tensors(parsed, inputs=inputs, outputs=sorted(function.structured_outputs))
    _release_unused_constants(parsed)
    tflite_model.share_equal_buffers(parsed)
    return tflite_model.dumps(parsed)


def _with_constants(function: Any) -> Any:
    """`function` with constants in place of variables, which the converter would leave unread in loop bodies."""
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    names = sorted(function.structured_outputs)  # the order in which TensorFlow flattens a dict

    @tf.function(input_signature=function.structured_input_signature[0], autograph=False)
    def constant(*arrays: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(names, frozen(*arrays), strict=True))

    return constant.get_concrete_function()


def _release_unused_constants(model: Any) -> None:
    """Lets go of constants that the converter left behind where it moved them into a loop's body.

    The tensors stay, without their bytes, since others are known by their place in the list.
    """
    for graph in model.subgraphs:
        used = {*graph.inputs, *graph.outputs}
        for operator in graph.operators or []:
            used.update((*operator.inputs, *operator.outputs))
        for index, tensor in enumerate(graph.tensors):
            if index not in used:
                tensor.buffer = 0
    held = {tensor.buffer for tensor in tflite_model.tensors(model)} | tflite_model.metadata_buffers(model)
    for index, buffer in enumerate(model.buffers):
        if index not in held:
            buffer.data = None


def _conversion_error(function: Any, message: str) -> ConversionError | OperatorError:
    lacking = sorted({name.strip() for names in _FLEX.findall(message) for name in names.split(",")})
    if not lacking:
        return ConversionError(f"TensorFlow can't convert the model to TFLite: {message.splitlines()[0]}")
    problems = [f"{name} in {_layers_with(function, name)}" for name in lacking]
    return OperatorError(
        listed("TFLite has no built-in operator for these, only TensorFlow itself (Flex), which no small engine holds:",
               problems)
        + "\nWrite the layer with operators that TFLite has; tensorflow.org/lite/guide/ops_compatibility lists them."
    )  # fmt: skip


def _layers_with(function: Any, operator: str) -> str:
    """The names of the graph's nodes of this type, bodies of loops included."""
    definition = function.graph.as_graph_def()
    nodes = [*definition.node, *(node for body in definition.library.function for node in body.node_def)]
    return ", ".join(sorted({node.name for node in nodes if node.op == operator})) or "the graph"
