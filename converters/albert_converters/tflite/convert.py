"""Conversion of a traced TensorFlow function to a TFLite file of built-in operators."""

from __future__ import annotations

import contextlib
import logging
import re
import tempfile
from collections.abc import Iterator
from typing import Any
from unittest import mock

import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.builtin_operators import complete_operators
from albert_converters.tflite.detached_weights import DetachedWeights
from albert_converters.tflite.placeholders import LostWeightsError, Placeholders
from albert_runtime.errors import ConversionError, OperatorError, listed

logger = logging.getLogger("albert_converters")

#: matches the converter's message about operators without a built-in counterpart: TF Select ops: Erfinv, Lgamma
_FLEX = re.compile(r"^\s*(?:TF Select|Custom) ops: (.+)$", re.MULTILINE)


def to_tflite(function: Any, *, divisors: tuple[float, ...] = ()) -> bytes:
    """Convert `function` to a TFLite file in float32, whose signature has the names of its inputs and outputs.

    Args:
        function: a `tf.ConcreteFunction` with named inputs and a dict of outputs.
        divisors: the numbers by which it divides the outputs of linear layers; see `Placeholders`.

    Raises:
        OperatorError: TFLite has no built-in counterpart for some operators; the message names them and their layers.
        ConversionError: the converter fails for another reason.
    """
    return tflite_model.dumps(to_model(function, divisors=divisors))


def to_model(function: Any, *, divisors: tuple[float, ...] = ()) -> schema.ModelT:
    """Convert `function` as `to_tflite` does, to objects. The large matrices are those of its variables, uncopied."""
    try:
        return _converted(function, Placeholders(divisors))
    except LostWeightsError as error:
        logger.info("converting again, with more memory: %s", error)
        return _converted(function, None)


def _converted(function: Any, placeholders: Placeholders | None) -> schema.ModelT:
    """The model of `function`; with `placeholders`, the converter does not see its large matrices.

    Raises:
        LostWeightsError: see `Placeholders.fill`.
    """
    frozen = contextlib.nullcontext() if placeholders is None else placeholders.instead_of(function.graph)
    try:
        with frozen:
            constant = _with_constants(function)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([constant], tf.Module())
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        with _parsed_once():
            parsed = converter.convert().model
    except Exception as error:  # ConverterError, and others that come from MLIR
        raise _conversion_error(function, str(error).strip() or type(error).__name__) from error
    if not parsed.signatureDefs:
        # the function has a signature, but the converter stores it in a temporary folder, and could not read it back
        raise ConversionError(
            f"TensorFlow lost parts of the model on its way through {tempfile.gettempdir()}; is that disk full? Free "
            "some space there, or name another folder for temporary files: export TMPDIR=/some/folder"
        )
    # for engines that do not support signatures
    inputs = [spec.name for spec in function.structured_input_signature[0]]
    tflite_model.name_tensors(parsed, inputs=inputs, outputs=sorted(function.structured_outputs))
    complete_operators(parsed)
    _release_unused_constants(parsed)
    if placeholders is not None:
        placeholders.fill(parsed)
    tflite_model.share_equal_buffers(parsed)
    # the other parts are views of the converter's file, and would keep the whole of it in memory
    return DetachedWeights.of(parsed).model()


class _Parsed:
    """A model in place of its bytes."""

    def __init__(self, model: Any) -> None:
        self.model = model


@contextlib.contextmanager
def _parsed_once() -> Iterator[None]:
    """Within the block, TensorFlow's converter returns a parsed model, as `_Parsed`.

    It would otherwise write the model to bytes and read it again after each of its last steps, which add a few words.
    """
    parse = flatbuffer_utils.convert_bytearray_to_object

    def parsed(content: Any) -> Any:
        return content.model if isinstance(content, _Parsed) else parse(content)

    with (
        mock.patch.object(flatbuffer_utils, "convert_bytearray_to_object", parsed),
        mock.patch.object(flatbuffer_utils, "convert_object_to_bytearray", lambda model, **options: _Parsed(model)),
    ):
        yield


def _with_constants(function: Any) -> Any:
    """Return `function` with constants instead of variables, which the converter can't read within loop bodies."""
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    names = sorted(function.structured_outputs)  # the order in which TensorFlow flattens a dict

    @tf.function(input_signature=function.structured_input_signature[0], autograph=False)
    def constant(*arrays: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(names, frozen(*arrays), strict=True))

    return constant.get_concrete_function()


def _release_unused_constants(model: Any) -> None:
    """Remove the bytes of constants that no operator uses.

    The converter moves constants into the body of a loop, and keeps a copy outside. The tensors of the copies stay,
    since other tensors are referred to by their index.
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
    """Return the names of the nodes of this type, also in bodies of loops."""
    definition = function.graph.as_graph_def()
    nodes = [*definition.node, *(node for body in definition.library.function for node in body.node_def)]
    return ", ".join(sorted({node.name for node in nodes if node.op == operator})) or "the graph"
