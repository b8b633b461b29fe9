"""Quantization of the linear layers (FULLY_CONNECTED) of a TFLite file with litert-quantizer or ai-edge-quantizer."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.builtin_operators import complete_operators
from albert_converters.tflite.channel_scales import correct_channel_scales
from albert_converters.tflite.detached_weights import DetachedWeights
from albert_converters.tflite.float16_lookup import look_up_float16
from albert_converters.tflite.quantizer_package import AlgorithmName, calibrator, min_max_update, qtyping, quantizer
from albert_runtime.errors import ConversionError

#: a file's content, or the model that was read from it
Model = TypeVar("Model", bytes, schema.ModelT)
#: a batch of inputs, by the names of the signature
Sample = Mapping[str, NDArray[np.int32]]

_FULLY_CONNECTED = qtyping.TFLOperationName.FULLY_CONNECTED


def quantize(
    model: Model,
    precision: str,
    *,
    shared_layers: str = ".*",
    kept: str = "",
    floats: str = "",
    calibration: Sequence[Sample] = (),
) -> Model:
    """Quantize the weights of the model's linear layers.

    Softmax, LayerNorm, GELU and matrix multiplications of two activations stay in float32: they have no weights, and
    quantizing them costs most accuracy.

    Args:
        model: a TFLite model in float32, as the content of a file or, which takes less memory, as objects; the result
            is of the same type. For int4, each row of the shared layers' weights must hold only
            the multiples -7 to 7 of one scale.
        precision: "fp16": float16 weights, which are converted to float32 when the file is loaded. "int8" or "int4":
            weights with a scale for each output channel; activations as int8 with ranges that are found in each run.
            "int8-static": int8 weights; activations as int8 with ranges from `calibration`.
        shared_layers: a regular expression that matches the output names of the linear layers within the shared layers.
            In int4 only they have 4 bits, since they hold most of the weights. All others are int8.
        kept: another one, for linear layers that keep a higher precision: int8 in int4, otherwise float32.
        floats: another one, for linear layers that stay in float32 in every integer precision. These are small layers,
            whose errors change the answer directly, and whose outputs int8-static would clip to the calibrated range.
        calibration: typical inputs, for int8-static.

    Raises:
        ConversionError: nothing was quantized, `calibration` is needed and empty, int4 weights are no multiples of a
            scale, or the quantizer fails.
    """
    if precision in _CALIBRATED and not calibration:
        raise ConversionError(f"{precision} finds the ranges of activations from typical inputs, and none were given")
    try:
        detached = DetachedWeights.of(tflite_model.loads(model) if isinstance(model, bytes) else model)
        tool = quantizer.Quantizer(detached.content)
        detached.attach_to(tool._float_model)  # which it reads all weights from
        _RECIPES[precision](tool, shared_layers)
        _make_exceptions(tool, precision, kept, floats)
        with _without_progress_bars():
            ranges = _ranges(tflite_model.dumps(detached.model()), tool, calibration) if tool.need_calibration else None
            # if it needs no ranges there is nothing to quantize; its own message would blame the calibration
            result = None if ranges == {} else tool.quantize(ranges, enable_progress_report=False).quantized_model
    except Exception as error:
        raise ConversionError(f"the quantizer can't make {precision} of the model: {error}") from error
    original = detached.model()
    parsed = tflite_model.loads(result, name="the quantized model") if result else original
    del tool, result
    if _count_quantized(parsed, precision) <= _count_quantized(original, precision):
        raise ConversionError(
            f"quantizing to {precision} changed nothing; the model has no matching linear layers with constant weights"
        )
    correct_channel_scales(parsed, original)
    _stamp_versions(parsed)
    look_up_float16(parsed)
    complete_operators(parsed)
    tflite_model.share_equal_buffers(parsed)
    return tflite_model.dumps(parsed) if isinstance(model, bytes) else parsed


#: precision -> the type of its weights
_WEIGHT_TYPES = {
    "fp16": schema.TensorType.FLOAT16,
    "int8": schema.TensorType.INT8,
    "int4": schema.TensorType.INT4,
    "int8-static": schema.TensorType.INT8,
}


def _count_quantized(model: Any, precision: str) -> int:
    """Count the tensors of the type of `precision`. The word embeddings may have it before quantization."""
    return sum(tensor.type == _WEIGHT_TYPES[precision] for tensor in tflite_model.tensors(model))


@contextlib.contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Hide the quantizer's progress bars, which have no common switch, and its warning about calibration."""
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _ranges(content: bytes, tool: quantizer.Quantizer, calibration: Sequence[Sample]) -> Any:
    """Return the lowest and highest value of each activation; the default, a moving average, would clip peaks."""
    tool._float_model_buffer = memoryview(content)  # which it runs, to look for activations that have no range
    seen = calibrator.Calibrator(content, qsv_update_func=min_max_update)
    seen.calibrate({"serving_default": calibration}, tool._recipe_manager)
    return seen.get_model_qsvs()


def _fp16(tool: quantizer.Quantizer, shared_layers: str) -> None:
    tool.update_quantization_recipe(
        regex=".*",
        operation_name=_FULLY_CONNECTED,
        algorithm_key=AlgorithmName.FLOAT_CASTING,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
    )


def _int8(tool: quantizer.Quantizer, shared_layers: str) -> None:
    tool.add_dynamic_config(regex=".*", operation_name=_FULLY_CONNECTED, num_bits=8)


def _int4(tool: quantizer.Quantizer, shared_layers: str) -> None:
    # The scales are per channel, since XNNPACK takes twice the time for blocks. The caller has rounded the weights
    # already, since GPTQ needs the model; here `correct_channel_scales` only finds their scales.
    tool.add_dynamic_config(regex=".*", operation_name=_FULLY_CONNECTED, num_bits=8)
    tool.add_dynamic_config(regex=shared_layers, operation_name=_FULLY_CONNECTED, num_bits=4)


def _int8_static(tool: quantizer.Quantizer, shared_layers: str) -> None:
    tool.add_static_config(regex=".*", operation_name=_FULLY_CONNECTED, activation_num_bits=8, weight_num_bits=8)


def _make_exceptions(tool: quantizer.Quantizer, precision: str, kept: str, floats: str) -> None:
    if kept and precision == "int4":
        tool.add_dynamic_config(regex=kept, operation_name=_FULLY_CONNECTED, num_bits=8)
    for regex in (floats, "" if precision == "int4" else kept):
        if regex and precision != "fp16":
            tool.update_quantization_recipe(
                regex=regex, operation_name=_FULLY_CONNECTED, algorithm_key=AlgorithmName.NO_QUANTIZE
            )


_RECIPES = {"fp16": _fp16, "int8": _int8, "int4": _int4, "int8-static": _int8_static}
_CALIBRATED = ("int8-static",)


def _stamp_versions(model: Any) -> None:
    """Set the operator version that FULLY_CONNECTED needs for dynamic int8 with a scale for each channel.

    The quantizer keeps the version of the float operator. Older engines (tflite-runtime 2.14) would then load the file
    and compute wrong results, instead of refusing it.
    """
    for graph in model.subgraphs:
        for operator in graph.operators or []:
            if tflite_model.operator_name(model, operator) != "FULLY_CONNECTED":
                continue
            source, matrix = (graph.tensors[index] for index in operator.inputs[:2])
            scales = None if matrix.quantization is None else matrix.quantization.scale
            if source.type == schema.TensorType.FLOAT32 and scales is not None and len(scales) > 1:
                code = model.operatorCodes[operator.opcodeIndex]
                code.version = max(code.version, _PER_CHANNEL_DYNAMIC)


#: the first version of FULLY_CONNECTED with dynamic int8 and a scale for each channel (TensorFlow 2.15, op_version.cc)
_PER_CHANNEL_DYNAMIC = 12
