"""Weights rounded to 4 bits so that the errors of a row make up for each other.

Rounding each weight to its nearest value is best for the weight, not for what the layer computes with it. Here the
weights of an input channel are rounded one channel after the other, and the channels that are still to come take
over what the rounding did to the sums, as far as typical inputs show it: Frantar et al. 2022, "GPTQ" (arXiv
2210.17323), which builds on Hassibi and Stork 1993, "Optimal Brain Surgeon".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.quantization.outlier_channels import Watch

#: 4 bits, symmetric: -7 to 7
LEVELS = 7
#: shares of a row's largest weight that are tried for its scale: of 15 steps few are to be wasted on one weight
_CLIPS = np.linspace(1.0, 0.5, 26, dtype=np.float32)
#: share of the mean of the moments' diagonal that is added to it, for channels that are never used
_DAMPING = 0.01
_BLOCK = 128
#: rows below it are zeros: the scale of what is smaller is no normal float32, and engines may take it for 0
_SMALLEST = 1e-35
#: inputs that are gathered before their products are added up
_ROWS = 2048


def row_scales(weight: NDArray[np.float32], importance: NDArray[np.float64]) -> NDArray[np.float32]:
    """The scale of each row, `[rows, 1]`, at which plain rounding errs least, squared and weighted by input channel."""
    largest = np.abs(weight).max(axis=1, keepdims=True)
    largest[largest < _SMALLEST] = 1.0
    best, best_error = largest / LEVELS, np.full((len(weight), 1), np.inf)
    for clip in _CLIPS:
        scales = largest * clip / LEVELS
        rounded = np.clip(np.rint(weight / scales), -LEVELS, LEVELS) * scales
        error = (np.square(rounded - weight) @ importance)[:, None]
        best = np.where(error < best_error, scales, best)
        best_error = np.minimum(error, best_error)
    return best.astype(np.float32)


def input_moments(watch: Watch) -> dict[str, NDArray[np.float64]]:
    """Path of each shared product -> the sum of `x^T x` over its inputs x in all passes, `[inputs, inputs]`."""
    moments: dict[str, NDArray[np.float64]] = {}
    waiting: dict[str, list[NDArray[Any]]] = {}

    def add_up(path: str) -> None:
        rows = np.concatenate(waiting.pop(path))
        moment = (rows.T @ rows).astype(np.float64)
        moments[path] = moments[path] + moment if path in moments else moment

    def visit(path: str, rows: NDArray[Any]) -> None:
        # many rows at a time: the sum is as large for one row as for a thousand
        waiting.setdefault(path, []).append(rows.copy())
        if sum(map(len, waiting[path])) >= _ROWS:
            add_up(path)

    watch(visit)
    for path in list(waiting):
        add_up(path)
    return moments


def round_weights(weight: NDArray[np.float32], moments: NDArray[np.float64]) -> NDArray[np.float32]:
    """`weight` on a grid of 15 steps for each row: whole multiples, -7 to 7, of one scale a row.

    Args:
        weight: `[outputs, inputs]`, as in `y = x W^T`.
        moments: `[inputs, inputs]`, the sum of `x^T x` over typical inputs `x`.
    """
    steps, scales = round_to_steps(weight, moments, weight.shape[1])
    return steps * scales


def round_to_steps(
    weight: NDArray[np.float32], moments: NDArray[np.float64], block: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """`weight` as whole numbers of steps, -7 to 7, and the size of a step, one for each `block` inputs of a row.

    Args:
        weight: `[outputs, inputs]`, as in `y = x W^T`.
        moments: `[inputs, inputs]`, the sum of `x^T x` over typical inputs `x`.
        block: inputs that share a scale; the last block may be shorter.

    Returns:
        Steps `[outputs, inputs]` and scales `[outputs, blocks]`.
    """
    moments = moments.astype(np.float64)
    diagonal = np.diag_indices_from(moments)
    mean = moments[diagonal].mean()
    moments[diagonal] += _DAMPING * mean if mean > 0 else 1.0
    starts = range(0, weight.shape[1], block)
    scales = np.hstack([row_scales(weight[:, i : i + block], moments[diagonal][i : i + block]) for i in starts])
    order = np.argsort(-moments[diagonal])  # what is used most goes first, while there are many to make up for it
    back = np.argsort(order)
    # row i of the factor says how the channels after i make up for an error in channel i
    factor = np.linalg.cholesky(np.linalg.inv(moments[np.ix_(order, order)])).T.astype(np.float32)
    left = weight[:, order].astype(np.float32)
    steps = np.empty(left.shape, np.int8)
    for start in range(0, left.shape[1], _BLOCK):
        stop = min(start + _BLOCK, left.shape[1])
        errors = np.empty((len(left), stop - start), np.float32)
        for column in range(start, stop):
            scale = scales[:, order[column] // block]
            value = left[:, column]
            steps[:, column] = np.clip(np.rint(value / scale), -LEVELS, LEVELS)
            error = (value - steps[:, column] * scale) / factor[column, column]
            left[:, column:stop] -= np.outer(error, factor[column, column:stop])
            errors[:, column - start] = error
        left[:, stop:] -= errors @ factor[start:stop, stop:]
    return steps[:, back], scales
