"""Quantization of a TFLite file by ai-edge-quantizer: which matrix products, to what, and what it came to."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import calibrator, qtyping, quantizer
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.utils.qsv_utils import min_max_update
from numpy.typing import NDArray

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.channel_scales import mend_channels
from albert_runtime.errors import ConversionError

#: a batch of inputs by signature name
Sample = Mapping[str, NDArray[np.int32]]

_PRODUCT = qtyping.TFLOperationName.FULLY_CONNECTED


def quantize(
    model: bytes,
    precision: str,
    *,
    shared_layers: str = ".*",
    kept: str = "",
    floats: str = "",
    calibration: Sequence[Sample] = (),
) -> bytes:
    """The model with the constant matrices of its products in another precision.

    Args:
        model: a TFLite file in float32; for int4, the shared layers' weights must be multiples, -7 to 7, of one scale
            for each output channel.
        precision: fp16 (weights; widened when the file is loaded); int8 or int4 (weights with a scale for each output
            channel, activations quantized as they come); int8-static (weights and activations, the latter by ranges
            found from `calibration`). Softmax, LayerNorm, GELU and products of two activations stay in float32: they
            hold no weights, and they are where int8 loses answers.
        shared_layers: a regular expression that finds the name of a product's output in the layers that make up most
            of the model. Where those are int4, all other products are int8: they are small, and many errors pass them.
        kept: another, for products that stay in higher precision: int8 where the precision is int4, else float32.
        floats: another, for products that stay in float32 in any integer precision: small ones, whose errors go into
            the answer, or whose scores int8-static would cut off where they are beyond what calibration has seen.
        calibration: for int8-static, typical inputs.

    Raises:
        ConversionError: nothing changed, `calibration` is needed and empty, int4 weights are on no grid, or the
            quantizer fails.
    """
    if precision in _CALIBRATED and not calibration:
        raise ConversionError(f"{precision} finds the ranges of activations from typical inputs, and none were given")
    try:
        tool = quantizer.Quantizer(model)
        _RECIPES[precision](tool, shared_layers)
        _make_exceptions(tool, precision, kept, floats)
        with _without_progress_bars():
            ranges = _ranges(model, tool, calibration) if tool.need_calibration else None
            # where it wants none, there is nothing to quantize, and the quantizer would blame the calibration
            result = None if ranges == {} else tool.quantize(ranges, enable_progress_report=False).quantized_model
    except Exception as error:
        raise ConversionError(f"ai-edge-quantizer can't make {precision} of the model: {error}") from error
    parsed = tflite_model.loads(bytes(result or model), name="the quantized model")
    original = tflite_model.loads(model)
    if _count_made(parsed, precision) <= _count_made(original, precision):
        raise ConversionError(f"quantizing to {precision} changed nothing; the model holds no products with weights")
    mend_channels(parsed, original)
    _stamp_versions(parsed)
    tflite_model.share_equal_buffers(parsed)
    return tflite_model.dumps(parsed)


#: precision -> the type of the weights that it makes
_MADE = {
    "fp16": schema.TensorType.FLOAT16,
    "int8": schema.TensorType.INT8,
    "int4": schema.TensorType.INT4,
    "int8-static": schema.TensorType.INT8,
}


def _count_made(model: Any, precision: str) -> int:
    """Tensors of the type that `precision` makes; word rows have it before."""
    return sum(tensor.type == _MADE[precision] for tensor in tflite_model.tensors(model))


@contextlib.contextmanager
def _without_progress_bars() -> Iterator[None]:
    """The quantizer draws several, and has no switch for all of them; it also warns of the mode it calibrates in."""
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _ranges(model: bytes, tool: quantizer.Quantizer, calibration: Sequence[Sample]) -> Any:
    """Least and largest value of each activation. The quantizer's own default, a moving average, cuts peaks off."""
    seen = calibrator.Calibrator(model, qsv_update_func=min_max_update)
    seen.calibrate({"serving_default": calibration}, tool._recipe_manager)
    return seen.get_model_qsvs()


def _fp16(tool: quantizer.Quantizer, shared_layers: str) -> None:
    tool.update_quantization_recipe(
        regex=".*",
        operation_name=_PRODUCT,
        algorithm_key=AlgorithmName.FLOAT_CASTING,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
    )


def _int8(tool: quantizer.Quantizer, shared_layers: str) -> None:
    tool.add_dynamic_config(regex=".*", operation_name=_PRODUCT, num_bits=8)


def _int4(tool: quantizer.Quantizer, shared_layers: str) -> None:
    # Per channel, since XNNPACK takes twice the time for blocks. What rounds weights best knows the model: they come
    # here on their grid already, and `mend_channels` finds its scales.
    tool.add_dynamic_config(regex=".*", operation_name=_PRODUCT, num_bits=8)
    tool.add_dynamic_config(regex=shared_layers, operation_name=_PRODUCT, num_bits=4)


def _int8_static(tool: quantizer.Quantizer, shared_layers: str) -> None:
    tool.add_static_config(regex=".*", operation_name=_PRODUCT, activation_num_bits=8, weight_num_bits=8)


def _make_exceptions(tool: quantizer.Quantizer, precision: str, kept: str, floats: str) -> None:
    if kept and precision == "int4":
        tool.add_dynamic_config(regex=kept, operation_name=_PRODUCT, num_bits=8)
    for regex in (floats, "" if precision == "int4" else kept):
        if regex and precision != "fp16":
            tool.update_quantization_recipe(
                regex=regex, operation_name=_PRODUCT, algorithm_key=AlgorithmName.NO_QUANTIZE
            )


_RECIPES = {"fp16": _fp16, "int8": _int8, "int4": _int4, "int8-static": _int8_static}
_CALIBRATED = ("int8-static",)


def _stamp_versions(model: Any) -> None:
    """Says which version of FULLY_CONNECTED dynamic int8 with a scale a channel needs.

    The quantizer leaves the version of the float operator, so that engines from before it (tflite-runtime 2.14) would
    load the file and compute nonsense, rather than refuse it.
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


#: version of FULLY_CONNECTED that brought it (TensorFlow 2.15's op_version.cc)
_PER_CHANNEL_DYNAMIC = 12
