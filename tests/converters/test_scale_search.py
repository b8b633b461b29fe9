"""The search of scales: the best candidate wins, and both callers get the scales of a loop over single rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from albert_converters.onnx.quantization.weight_quantizers import quantize_int4
from albert_converters.scale_search import search_scales
from albert_export.quantization.gptq import row_scales


def column(*scales: float) -> NDArray[np.float32]:
    return np.float32(scales)[:, None]


def best_of(
    row: NDArray[np.float32], scales: Sequence[np.float32], lowest: int, highest: int, importance: NDArray | None = None
) -> np.float32:
    """Return the first of `scales` with the least error for one row, tried one after the other."""
    best, least = scales[0], math.inf
    for scale in scales:
        squares = np.square(np.clip(np.rint(row / scale), lowest, highest) * scale - row)
        error = float(squares.sum() if importance is None else squares @ importance)
        if error < least:
            best, least = scale, error
    return best


def random_weights(shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """Random weights of very different sizes, among them zeros and values that have no normal scale."""
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal(shape) * rng.lognormal(sigma=3, size=(shape[0], 1))
    weights[:, rng.integers(shape[1])] *= 5  # a large weight that is worth clipping
    for row, size in enumerate((0.0, 1e-44, 1e-38, 1e-31, 1e-12, 1e12)):
        weights[row] *= size
    return weights.astype(np.float32)


def test_the_candidate_with_the_least_error_wins_by_hand() -> None:
    rows = np.float32([[7, 2], [7, 2]])
    # with a scale of 1 both weights are exact; with 2 the errors are 1 and 0; with 0.5 the first is clipped to 3.5
    assert search_scales(rows, [column(2, 0.5), column(1, 2)], levels=(-7, 7)).tolist() == [[1.0], [2.0]]


def test_clipped_errors_depend_on_the_levels() -> None:
    rows, candidates = np.float32([[-8, 3]]), [column(2), column(1)]
    assert search_scales(rows, candidates, levels=(-8, 7)).tolist() == [[1.0]]
    assert search_scales(rows, candidates, levels=(-4, 3)).tolist() == [[2.0]]


def test_importance_decides_which_weight_is_exact() -> None:
    rows, candidates = np.float32([[3, 5]]), [column(3), column(5)]
    assert search_scales(rows, candidates, levels=(-1, 1), importance=np.array([9.0, 1.0])).tolist() == [[3.0]]
    assert search_scales(rows, candidates, levels=(-1, 1), importance=np.array([1.0, 9.0])).tolist() == [[5.0]]


def test_the_earlier_of_equally_good_candidates_wins() -> None:
    assert search_scales(np.float32([[4]]), [column(2), column(1)], levels=(-7, 7)).tolist() == [[2.0]]
    assert search_scales(np.float32([[np.inf]]), [column(2), column(1)], levels=(-7, 7)).tolist() == [[2.0]]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("inputs", [7, 64, 300])
def test_scales_of_gptq_are_those_of_a_loop(inputs: int, seed: int) -> None:
    weight = random_weights((24, inputs), seed)
    importance = np.random.default_rng(seed).lognormal(sigma=2, size=inputs)
    ratios = np.linspace(1.0, 0.5, 26, dtype=np.float32)
    expected = []
    for row in weight:
        largest = np.abs(row).max() if np.abs(row).max() >= 1e-35 else np.float32(1)
        expected.append(best_of(row, [largest * ratio / 7 for ratio in ratios], -7, 7, importance))
    np.testing.assert_array_equal(row_scales(weight, importance), column(*expected))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("inputs", [7, 64, 300])
@pytest.mark.parametrize("block_size", [32, 128])
def test_scales_of_int4_blocks_are_those_of_a_loop(block_size: int, inputs: int, seed: int) -> None:
    weight = random_weights((24, inputs), seed)
    ratios = np.linspace(1.0, 0.6, 17, dtype=np.float32)
    expected = []
    for row in np.pad(weight, ((0, 0), (0, -inputs % block_size))):
        for block in row.reshape(-1, block_size):
            unclipped = np.abs(block).max() / np.float32(7)
            candidates = [np.maximum(unclipped * ratio, np.float32(1e-30)) for ratio in ratios]
            expected.append(best_of(block, candidates, -8, 7))
    values, scales = quantize_int4(weight.T, block_size)
    np.testing.assert_array_equal(scales, np.reshape(expected, (24, -1)))
    widened = scales.repeat(block_size, axis=1)[:, :inputs]
    np.testing.assert_array_equal(values, np.rint(weight / widened).clip(-8, 7))
