"""Corrects the quantizer's scales of output channels with zeros, tiny weights, large biases or int4 weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.model import integers, operator_name
from albert_runtime.errors import ConversionError

#: the largest quantized value of each type
_LARGEST = {schema.TensorType.INT8: 127, schema.TensorType.INT4: 7}
#: weights may differ from a multiple of their scale by this share of it, which covers float32 rounding only
_TOLERANCE = 1e-3
#: smaller scales have no exact multiples in float32, and XNNPACK refuses them
_SMALLEST = 1e-30
#: the largest quantized bias; the rest of the range of int32 is for the sums that are added to it
_LARGEST_BIAS = 2.0**30


class _FullyConnected(NamedTuple):
    """A FULLY_CONNECTED with quantized weights: its tensors, and their values before quantization."""

    source: schema.TensorT
    matrix: schema.TensorT
    bias: schema.TensorT | None
    #: the weights in float32, `[outputs, inputs]`
    weights: NDArray[np.float32]
    #: the bias in float32, `[outputs]`
    offsets: NDArray[np.float32] | None


def correct_channel_scales(model: schema.ModelT, original: schema.ModelT) -> None:
    """Correct the scales of output channels in `model`, and requantize the weights and biases that depend on them.

    - In int4 the weights of a channel in `original` are the multiples -7 to 7 of one scale. This scale is used, even if
      no weight of the channel is the seventh multiple.
    - A channel of zeros gets the largest scale of its matrix. The quantizer gives it a scale that is almost 0.
    - In static int8 a bias is quantized with the scale of its channel times that of the inputs. If it would then not
      fit in 32 bits, the scale of the channel is increased. The weights of such a channel matter little compared with
      its bias.

    Args:
        model: the output of the quantizer, which keeps the order of subgraphs and operators; it is changed.
        original: the float32 model that it was made from.

    Raises:
        ConversionError: weights that became int4 are no multiples of one scale for each channel.
    """
    by_buffer: dict[int, list[_FullyConnected]] = {}
    for layer in _quantized_layers(model, original):
        by_buffer.setdefault(layer.matrix.buffer, []).append(layer)
    for layers in by_buffer.values():
        _correct(model, layers)


def _quantized_layers(model: schema.ModelT, original: schema.ModelT) -> Iterator[_FullyConnected]:
    for graph, graph_before in zip(model.subgraphs, original.subgraphs, strict=True):
        pairs = zip(_fully_connected(model, graph), _fully_connected(original, graph_before), strict=True)
        for operator, operator_before in pairs:
            source, matrix = (graph.tensors[index] for index in operator.inputs[:2])
            scales = None if matrix.quantization is None else matrix.quantization.scale
            if matrix.type not in _LARGEST or scales is None or len(scales) != matrix.shape[0]:
                continue
            [weights, *offsets] = (
                _floats(original, graph_before.tensors[index]) for index in operator_before.inputs[1:] if index >= 0
            )
            bias = graph.tensors[operator.inputs[2]] if offsets else None
            yield _FullyConnected(source, matrix, bias, weights, offsets[0] if offsets else None)


def _fully_connected(model: schema.ModelT, graph: schema.SubGraphT) -> list[schema.OperatorT]:
    return [one for one in graph.operators or [] if operator_name(model, one) == "FULLY_CONNECTED"]


def _floats(model: schema.ModelT, tensor: schema.TensorT) -> NDArray[np.float32]:
    return tflite_model.content(model.buffers[tensor.buffer]).view(np.float32).reshape(integers(tensor.shape))


def _correct(model: schema.ModelT, layers: list[_FullyConnected]) -> None:
    """Correct one weight matrix for all layers that share it; in an unrolled graph each has its own range of inputs."""
    kind, weights = layers[0].matrix.type, layers[0].weights
    alive = np.abs(weights).max(axis=1) > _SMALLEST
    before = np.asarray(layers[0].matrix.quantization.scale, np.float32)
    scales = before.copy()
    if kind == schema.TensorType.INT4:
        scales[alive] = _int4_scales(weights[alive])
    scales[~alive] = scales[alive].max() if alive.any() else 1.0
    for layer in layers:
        if _is_static(layer) and layer.offsets is not None:
            scales = np.maximum(scales, np.abs(layer.offsets) / (_input_scale(layer) * _LARGEST_BIAS))
    changed = scales != before
    if not changed.any():
        return
    buffer = model.buffers[layers[0].matrix.buffer]
    values = np.rint(weights / scales[:, None]).clip(-_LARGEST[kind], _LARGEST[kind]).astype(np.int8)
    if kind == schema.TensorType.INT4:
        buffer.data = _packed(values)
    else:
        rows = tflite_model.content(buffer).view(np.int8).reshape(values.shape)
        buffer.data = np.where(changed[:, None], values, rows).view(np.uint8).ravel()
    for layer in layers:
        layer.matrix.quantization.scale = scales
        if _is_static(layer) and layer.bias is not None and layer.offsets is not None:
            bias_scales = _input_scale(layer) * scales.astype(np.float64)
            layer.bias.quantization.scale = bias_scales.astype(np.float32)
            model.buffers[layer.bias.buffer].data = np.rint(layer.offsets / bias_scales).astype(np.int32).view(np.uint8)


def _is_static(layer: _FullyConnected) -> bool:
    return bool(layer.source.type == schema.TensorType.INT8)


def _input_scale(layer: _FullyConnected) -> float:
    return float(layer.source.quantization.scale[0])


def _int4_scales(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the scale of which all weights of a row are multiples; its largest weight is 7, 6, ... or 1 times it."""
    largest = np.abs(weights).max(axis=1)
    scales = np.full_like(largest, np.nan)
    for level in range(_LARGEST[schema.TensorType.INT4], 0, -1):
        values = weights / (largest / level)[:, None]
        scales = np.where(np.abs(values - np.rint(values)).max(axis=1) < _TOLERANCE, largest / level, scales)
    lost = int(np.isnan(scales).sum())
    if lost:
        raise ConversionError(
            f"int4 needs weights that are multiples, -7 to 7, of one scale for each output channel; {lost} of "
            f"{len(scales)} channels are not"
        )
    return scales


def _packed(values: NDArray[np.int8]) -> NDArray[Any]:
    """Pack two values of 4 bits in a byte, the first one in its lower half."""
    halves = (values.ravel().view(np.uint8) & 0xF).astype(np.uint8)
    halves = np.append(halves, np.zeros(len(halves) % 2, np.uint8))
    return halves[0::2] | halves[1::2] << 4
