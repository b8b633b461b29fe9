"""The weights of each output channel, where the quantizer's general rules would lose some: zeros, tiny ones, grids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.model import integers, operator_name
from albert_runtime.errors import ConversionError

_LEVELS = {schema.TensorType.INT8: 127, schema.TensorType.INT4: 7}
#: of a weight from a whole number of steps: float32 arithmetic, and no more
_OFF_GRID = 1e-3
#: float32 has no exact multiples of what is below, and XNNPACK refuses such scales
_NOTHING = 1e-30
#: a bias may fill so much of int32, the rest is for the products that are added to it
_LARGEST_BIAS = 2.0**30


class _Product(NamedTuple):
    """One FULLY_CONNECTED with a quantized matrix: its tensors, and what they were before."""

    source: schema.TensorT
    matrix: schema.TensorT
    bias: schema.TensorT | None
    weights: NDArray[np.float32]
    offsets: NDArray[np.float32] | None


def mend_channels(model: schema.ModelT, original: schema.ModelT) -> None:
    """Sets the scales of output channels in `model` right, and the weights and biases that are told in them.

    - int4: `original` has weights that are multiples, -7 to 7, of one scale a channel, and that scale is used, even
      where none of a channel's weights is the largest multiple.
    - A channel of zeros has the largest scale of its matrix. The quantizer gives it a scale of next to nothing.
    - Static int8: biases are in units of their channel's scale, and where those are too small for a bias to fit into
      32 bits, the scale grows. The weights of such a channel count for little beside its bias.

    Args:
        model: as it comes from ai-edge-quantizer, which keeps the order of subgraphs and products.
        original: the float32 model that it was made of.

    Raises:
        ConversionError: weights that became int4 are on no grid.
    """
    sharing: dict[int, list[_Product]] = {}
    for product in _products(model, original):
        sharing.setdefault(product.matrix.buffer, []).append(product)
    for products in sharing.values():
        _mend(model, products)


def _products(model: schema.ModelT, original: schema.ModelT) -> Iterator[_Product]:
    for graph, graph_before in zip(model.subgraphs, original.subgraphs, strict=True):
        pairs = zip(_fully_connected(model, graph), _fully_connected(original, graph_before), strict=True)
        for operator, operator_before in pairs:
            source, matrix = (graph.tensors[index] for index in operator.inputs[:2])
            scales = None if matrix.quantization is None else matrix.quantization.scale
            if matrix.type not in _LEVELS or scales is None or len(scales) != matrix.shape[0]:
                continue
            [weights, *offsets] = (
                _floats(original, graph_before.tensors[index]) for index in operator_before.inputs[1:] if index >= 0
            )
            bias = graph.tensors[operator.inputs[2]] if offsets else None
            yield _Product(source, matrix, bias, weights, offsets[0] if offsets else None)


def _fully_connected(model: schema.ModelT, graph: schema.SubGraphT) -> list[schema.OperatorT]:
    return [one for one in graph.operators or [] if operator_name(model, one) == "FULLY_CONNECTED"]


def _floats(model: schema.ModelT, tensor: schema.TensorT) -> NDArray[np.float32]:
    return tflite_model.content(model.buffers[tensor.buffer]).view(np.float32).reshape(integers(tensor.shape))


def _mend(model: schema.ModelT, products: list[_Product]) -> None:
    """One matrix, and all products with it: in an unrolled graph, each has a range of inputs of its own."""
    kind, weights = products[0].matrix.type, products[0].weights
    alive = np.abs(weights).max(axis=1) > _NOTHING
    before = np.asarray(products[0].matrix.quantization.scale, np.float32)
    scales = before.copy()
    if kind == schema.TensorType.INT4:
        scales[alive] = _grid_scales(weights[alive])
    scales[~alive] = scales[alive].max() if alive.any() else 1.0
    for product in products:
        if _is_static(product) and product.offsets is not None:
            scales = np.maximum(scales, np.abs(product.offsets) / (_input_scale(product) * _LARGEST_BIAS))
    changed = scales != before
    if not changed.any():
        return
    buffer = model.buffers[products[0].matrix.buffer]
    steps = np.rint(weights / scales[:, None]).clip(-_LEVELS[kind], _LEVELS[kind]).astype(np.int8)
    if kind == schema.TensorType.INT4:
        buffer.data = _packed(steps)
    else:
        rows = tflite_model.content(buffer).view(np.int8).reshape(steps.shape)
        buffer.data = np.where(changed[:, None], steps, rows).view(np.uint8).ravel()
    for product in products:
        product.matrix.quantization.scale = scales
        if _is_static(product) and product.bias is not None and product.offsets is not None:
            units = _input_scale(product) * scales.astype(np.float64)
            product.bias.quantization.scale = units.astype(np.float32)
            model.buffers[product.bias.buffer].data = np.rint(product.offsets / units).astype(np.int32).view(np.uint8)


def _is_static(product: _Product) -> bool:
    return bool(product.source.type == schema.TensorType.INT8)


def _input_scale(product: _Product) -> float:
    return float(product.source.quantization.scale[0])


def _grid_scales(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The step of the grid that each row is on: its largest weight is 7, or 6, ... or 1 of them."""
    largest = np.abs(weights).max(axis=1)
    scales = np.full_like(largest, np.nan)
    for level in range(_LEVELS[schema.TensorType.INT4], 0, -1):
        steps = weights / (largest / level)[:, None]
        scales = np.where(np.abs(steps - np.rint(steps)).max(axis=1) < _OFF_GRID, largest / level, scales)
    lost = int(np.isnan(scales).sum())
    if lost:
        raise ConversionError(f"int4 needs weights on a grid of 15 steps; {lost} of {len(scales)} channels are on none")
    return scales


def _packed(steps: NDArray[np.int8]) -> NDArray[Any]:
    """Two values of 4 bits in a byte, the first one in its lower half."""
    halves = (steps.ravel().view(np.uint8) & 0xF).astype(np.uint8)
    halves = np.append(halves, np.zeros(len(halves) % 2, np.uint8))
    return halves[0::2] | halves[1::2] << 4
