"""GPTQ: 4-bit weights whose rounding errors compensate each other within a row.

Rounding each weight to its nearest level is best for the single weight, but not for the output of the layer. GPTQ
rounds one input channel after the other, and adjusts the channels that are not rounded yet so that they compensate
the error in the output, as measured by the Hessian of the layer's inputs: Frantar et al. 2022, "GPTQ" (arXiv
2210.17323), which builds on Hassibi and Stork 1993, "Optimal Brain Surgeon".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_converters.scale_search import search_scales
from albert_export.quantization.outlier_channels import HookedRun

#: the largest quantized value: 4 bits, symmetric, from -7 to 7
LEVELS = 7
#: the scales that are tried for a row, as ratios of the scale at which its largest weight is not clipped
_CLIP_RATIOS = np.linspace(1.0, 0.5, 26, dtype=np.float32)
#: the share of the Hessian's mean diagonal that is added to its diagonal, so that channels which are never used do not
#: make it singular
_DAMPING = 0.01
#: the number of channels that are updated together, before all channels behind them are
_LAZY_UPDATE = 128
#: rows whose weights are all smaller become zeros: their scale would not be a normal float32, and engines may read
#: such a scale as 0
_SMALLEST = 1e-35
#: the number of input rows that are collected before they are multiplied
_ROWS = 2048


def row_scales(weight: NDArray[np.float32], importance: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the scale of each row, `[rows, 1]`, at which nearest rounding errs least.

    The error is squared, and weighted by `importance`, which has one entry for each input channel.
    """
    largest = np.abs(weight).max(axis=1, keepdims=True)
    largest[largest < _SMALLEST] = 1.0
    candidates = (largest * ratio / LEVELS for ratio in _CLIP_RATIOS)
    return search_scales(weight, candidates, levels=(-LEVELS, LEVELS), importance=importance)


def input_hessians(run: HookedRun) -> dict[str, NDArray[np.float64]]:
    """Return the Hessian of each shared linear layer, `[inputs, inputs]`, by the layer's path.

    The Hessian of the squared output error is the sum of `x^T x` over the layer's inputs `x` in all passes, up to a
    factor that does not matter here.

    Args:
        run: runs the samples, and calls back with the inputs of every shared linear layer.
    """
    hessians: dict[str, NDArray[np.float64]] = {}
    pending: dict[str, list[NDArray[Any]]] = {}

    def add(path: str) -> None:
        rows = np.concatenate(pending.pop(path))
        hessian = (rows.T @ rows).astype(np.float64)
        hessians[path] = hessians[path] + hessian if path in hessians else hessian

    def collect(path: str, rows: NDArray[Any]) -> None:
        # adding to the large matrix takes as long for one row as for a thousand, so rows are collected first
        pending.setdefault(path, []).append(rows.copy())
        if sum(map(len, pending[path])) >= _ROWS:
            add(path)

    run(collect)
    for path in list(pending):
        add(path)
    return hessians


def gptq_fake_quantize(weight: NDArray[np.float32], hessian: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return `weight` in float32 with 4-bit precision: each row has the multiples -7 to 7 of one scale.

    Args:
        weight: `[outputs, inputs]`, as in `y = x W^T`.
        hessian: `[inputs, inputs]`, see `input_hessians`.
    """
    values, scales = gptq_quantize(weight, hessian, weight.shape[1])
    return values * scales


def gptq_quantize(
    weight: NDArray[np.float32], hessian: NDArray[np.float64], block_size: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantize `weight` to 4 bits, with one scale for each block of `block_size` inputs of a row.

    Args:
        weight: `[outputs, inputs]`, as in `y = x W^T`.
        hessian: `[inputs, inputs]`, see `input_hessians`.
        block_size: the number of inputs that share a scale; the last block may be shorter.

    Returns:
        The quantized values, int8 `[outputs, inputs]` from -7 to 7, and the scales, float32 `[outputs, blocks]`.
    """
    hessian = hessian.astype(np.float64)
    diagonal = np.diag_indices_from(hessian)
    mean = hessian[diagonal].mean()
    hessian[diagonal] += _DAMPING * mean if mean > 0 else 1.0
    starts = range(0, weight.shape[1], block_size)
    scales = np.hstack(
        [row_scales(weight[:, i : i + block_size], hessian[diagonal][i : i + block_size]) for i in starts]
    )
    # the channels with the largest inputs go first, while many channels are left that can compensate their errors
    order = np.argsort(-hessian[diagonal])
    original_order = np.argsort(order)
    # row i of the factor says how the channels after i compensate an error in channel i
    factor = np.linalg.cholesky(np.linalg.inv(hessian[np.ix_(order, order)])).T.astype(np.float32)
    remaining = weight[:, order].astype(np.float32)
    values = np.empty(remaining.shape, np.int8)
    for start in range(0, remaining.shape[1], _LAZY_UPDATE):
        stop = min(start + _LAZY_UPDATE, remaining.shape[1])
        errors = np.empty((len(remaining), stop - start), np.float32)
        for column in range(start, stop):
            scale = scales[:, order[column] // block_size]
            weights = remaining[:, column]
            values[:, column] = np.clip(np.rint(weights / scale), -LEVELS, LEVELS)
            error = (weights - values[:, column] * scale) / factor[column, column]
            remaining[:, column:stop] -= np.outer(error, factor[column, column:stop])
            errors[:, column - start] = error
        remaining[:, stop:] -= errors @ factor[start:stop, stop:]
    return values[:, original_order], scales
