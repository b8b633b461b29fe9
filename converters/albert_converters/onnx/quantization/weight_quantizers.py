"""Symmetric quantization of weights, with a scale for an output channel, for a row of a table, or for a block.

A weight is approximately `value * scale`, and the zero point is always 0: symmetric, as ONNX engines want the weights
of integer matrix multiplications.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from albert_converters.scale_search import search_scales

#: smaller scales have no exact multiples in float32; weights that need one become zeros, which changes no sum
SMALLEST_SCALE = np.float32(1e-30)
#: the range of 4-bit values
INT4_LEVELS = (-8, 7)
#: the scales that are tried for a block, as ratios of the scale at which its largest weight is not clipped
_CLIP_RATIOS = np.linspace(1.0, 0.6, 17, dtype=np.float32)


class QuantizedValues(NamedTuple):
    """Weights quantized to 8 bits."""

    #: int8, in the shape of the weights
    values: NDArray[np.int8]
    #: float32, in the shape of the weights, but of size 1 along the axis that shares a scale
    scales: NDArray[np.float32]


class Int4Weights(NamedTuple):
    """A weight matrix quantized to 4 bits, with a scale for each block of an output channel."""

    #: int8 `[out, in]`, from -8 to 7
    values: NDArray[np.int8]
    #: float32 `[out, blocks]`; the last block may be shorter than the others
    scales: NDArray[np.float32]


def quantize_int8(weights: NDArray[np.float32], *, axis: int, largest: int = 127) -> QuantizedValues:
    """Quantize weights to 8 bits, rounding to the nearest value.

    Args:
        weights: float32.
        axis: the axis along which weights share a scale: 0 for a scale for each output channel of `[in, out]`, 1 for a
            scale for each row of a table.
        largest: the largest quantized value, 127, or 63 to leave one bit unused.
    """
    peaks = np.maximum(weights.max(axis=axis, keepdims=True), -weights.min(axis=axis, keepdims=True))
    scales = np.maximum(peaks / np.float32(largest), SMALLEST_SCALE)
    values = weights / scales  # the steps after it need no memory of their own, which a large model may not have
    np.rint(values, out=values)
    return QuantizedValues(values.clip(-largest, largest, out=values).astype(np.int8), scales)


def quantize_int8_blocks(matrix: NDArray[np.float32], block_size: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Quantize the matrix `[in, out]` to 8 bits in blocks of inputs, packed as MatMulNBits reads them.

    Returns:
        The values plus 128, uint8 `[out, blocks, block_size]`, and the scales, float32 `[out, blocks]`.
    """
    values, scales = quantize_int8(_blocks(np.ascontiguousarray(matrix.T), block_size), axis=-1)
    return (values.astype(np.int16) + 128).astype(np.uint8), scales[..., 0]


def quantize_int4(matrix: NDArray[np.float32], block_size: int) -> Int4Weights:
    """Quantize the matrix `[in, out]` to 4 bits in blocks of inputs.

    Weights are rounded to the nearest value, and each block has the scale at which this errs least.
    """
    blocks = _blocks(np.ascontiguousarray(matrix.T), block_size)
    unclipped = np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(INT4_LEVELS[1])
    candidates = (np.maximum(unclipped * ratio, SMALLEST_SCALE) for ratio in _CLIP_RATIOS)
    scales = search_scales(blocks, candidates, levels=INT4_LEVELS)
    values = np.rint(blocks / scales).clip(*INT4_LEVELS).astype(np.int8)
    return Int4Weights(values.reshape(len(blocks), -1)[:, : len(matrix)], scales[..., 0])


def pack_int4(weights: Int4Weights, block_size: int) -> NDArray[np.uint8]:
    """Pack 4-bit values as MatMulNBits reads them: uint8 `[out, blocks, block_size / 2]`.

    A byte holds two values, each plus 8, the first one in its lower half.
    """
    halves = (_blocks(weights.values, block_size) + 8).astype(np.uint8)
    packed: NDArray[np.uint8] = halves[..., 0::2] | halves[..., 1::2] << np.uint8(4)
    return packed


def _blocks(rows: NDArray[Any], block_size: int) -> NDArray[Any]:
    """Reshape rows to `[rows, blocks, block_size]`, padded with zeros where their length is no multiple of a block."""
    missing = -rows.shape[1] % block_size
    return np.pad(rows, ((0, 0), (0, missing))).reshape(len(rows), -1, block_size)
