"""Weights as whole steps of a scale: a scale for a matrix, an output channel, a row of a table, or a block.

A weight is `step * scale`, and 0 is always step 0: symmetric, as the integer products of ONNX engines want it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: float32 has no exact multiples of what is below; zeros are zeros at any scale, and at a small one sums are near 0 too
SMALLEST_SCALE = np.float32(1e-30)
#: weights of 4 bits: -8 to 7
_INT4 = (-8, 7)
#: shares of a block's largest weight that are tried as its seventh step: of 16 steps few are to be wasted on one weight
_CLIPS = np.linspace(1.0, 0.6, 17, dtype=np.float32)


class Steps(NamedTuple):
    """Weights of 8 bits."""

    #: int8, in the shape of the weights
    steps: NDArray[np.int8]
    #: float32, with 1 for each axis of the weights that has one scale for all its entries
    scales: NDArray[np.float32]


class Rounded(NamedTuple):
    """Weights of 4 bits, each of which is `step * scale`, with a scale for each block of a row."""

    #: int8 `[out, in]`, -8 to 7
    steps: NDArray[np.int8]
    #: float32 `[out, blocks]`; the last block may be shorter than the others
    scales: NDArray[np.float32]


def int8_steps(weights: NDArray[np.float32], *, axis: int | None, levels: int = 127) -> Steps:
    """`weights` as steps from `-levels` to `levels`, rounded to the nearest.

    Args:
        weights: float32.
        axis: all weights along it share a scale: 0 for the output channels of `[in, out]`, 1 for the rows of a table;
            None for one scale in all.
        levels: 127, or 63 to leave a bit unused.
    """
    scales = np.maximum(np.abs(weights).max(axis=axis, keepdims=True) / np.float32(levels), SMALLEST_SCALE)
    return Steps(np.rint(weights / scales).clip(-levels, levels).astype(np.int8), scales)


def int4_blocks(matrix: NDArray[np.float32], block_size: int) -> Rounded:
    """The matrix `[in, out]` as steps from -8 to 7, with the scale for each block at which rounding errs least."""
    blocks = _blocks(np.ascontiguousarray(matrix.T), block_size)
    largest = np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(_INT4[1])
    best, best_error = largest, np.full_like(largest, np.inf)
    for clip in _CLIPS:
        tried = np.maximum(largest * clip, SMALLEST_SCALE)
        error = np.square(np.rint(blocks / tried).clip(*_INT4) * tried - blocks).sum(axis=-1, keepdims=True)
        best = np.where(error < best_error, tried, best)
        best_error = np.minimum(error, best_error)
    steps = np.rint(blocks / best).clip(*_INT4).astype(np.int8)
    return Rounded(steps.reshape(len(blocks), -1)[:, : len(matrix)], best[..., 0])


def packed_int4(rounded: Rounded, block_size: int) -> NDArray[np.uint8]:
    """`[out, blocks, block_size / 2]`: two steps in a byte, the first in its lower half, each 8 more than it means."""
    halves = (_blocks(rounded.steps, block_size) + 8).astype(np.uint8)
    packed: NDArray[np.uint8] = halves[..., 0::2] | halves[..., 1::2] << np.uint8(4)
    return packed


def packed_int8(matrix: NDArray[np.float32], block_size: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The matrix `[in, out]` as bytes `[out, blocks, block_size]`, each 128 more than it means, and `[out, blocks]`."""
    steps, scales = int8_steps(_blocks(np.ascontiguousarray(matrix.T), block_size), axis=-1)
    return (steps.astype(np.int16) + 128).astype(np.uint8), scales[..., 0]


def _blocks(rows: NDArray[Any], block_size: int) -> NDArray[Any]:
    """`[rows, blocks, block_size]`, with zeros at the end of each row where its length is no multiple."""
    missing = -rows.shape[1] % block_size
    return np.pad(rows, ((0, 0), (0, missing))).reshape(len(rows), -1, block_size)
