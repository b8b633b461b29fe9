"""Weights rounded to 4 bits so that the errors of a row make up for each other.

Rounding each weight to its nearest value is best for the weight, not for what the layer computes with it. Here the
weights of an input channel are rounded one channel after the other, and the channels that are still to come take
over what the rounding did to the sums, as far as typical inputs show it: Frantar et al. 2022, "GPTQ" (arXiv
2210.17323), which builds on Hassibi and Stork 1993, "Optimal Brain Surgeon".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: 4 bits, symmetric: -7 to 7
LEVELS = 7
#: shares of a row's largest weight that are tried for its scale: of 15 steps few are to be wasted on one weight
_CLIPS = np.linspace(1.0, 0.5, 26, dtype=np.float32)
#: share of the mean of the moments' diagonal that is added to it, for channels that are never used
_DAMPING = 0.01
_BLOCK = 128


def row_scales(weight: NDArray[np.float32], importance: NDArray[np.float64]) -> NDArray[np.float32]:
    """The scale of each row, `[rows, 1]`, at which plain rounding errs least, squared and weighted by input channel."""
    largest = np.abs(weight).max(axis=1, keepdims=True)
    largest[largest == 0] = 1.0
    best, best_error = largest / LEVELS, np.full((len(weight), 1), np.inf)
    for clip in _CLIPS:
        scales = largest * clip / LEVELS
        rounded = np.clip(np.rint(weight / scales), -LEVELS, LEVELS) * scales
        error = (np.square(rounded - weight) @ importance)[:, None]
        best = np.where(error < best_error, scales, best)
        best_error = np.minimum(error, best_error)
    return best.astype(np.float32)


def round_weights(weight: NDArray[np.float32], moments: NDArray[np.float64]) -> NDArray[np.float32]:
    """`weight` on a grid of 15 steps for each row.

    Args:
        weight: `[outputs, inputs]`, as in `y = x W^T`.
        moments: `[inputs, inputs]`, the sum of `x^T x` over typical inputs `x`.

    Returns:
        Weights that are whole multiples, -7 to 7, of one scale a row.
    """
    moments = moments.astype(np.float64)
    diagonal = np.diag_indices_from(moments)
    mean = moments[diagonal].mean()
    moments[diagonal] += _DAMPING * mean if mean > 0 else 1.0
    scales = row_scales(weight, moments[diagonal])
    order = np.argsort(-moments[diagonal])  # what is used most goes first, while there are many to make up for it
    back = np.argsort(order)
    # row i of the factor says how the channels after i make up for an error in channel i
    factor = np.linalg.cholesky(np.linalg.inv(moments[np.ix_(order, order)])).T.astype(np.float32)
    left = weight[:, order].astype(np.float32)
    rounded = np.empty_like(left)
    for start in range(0, left.shape[1], _BLOCK):
        stop = min(start + _BLOCK, left.shape[1])
        errors = np.empty((len(left), stop - start), np.float32)
        for column in range(start, stop):
            value = left[:, column : column + 1]
            rounded[:, column : column + 1] = np.clip(np.rint(value / scales), -LEVELS, LEVELS) * scales
            error = (value - rounded[:, column : column + 1]) / factor[column, column]
            left[:, column:stop] -= error * factor[column, column:stop]
            errors[:, column - start] = error[:, 0]
        left[:, stop:] -= errors @ factor[start:stop, stop:]
    return rounded[:, back]
