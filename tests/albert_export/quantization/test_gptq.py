"""Rounding to 4 bits: on a grid, and better than nearest rounding at what the layer computes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from albert_export.quantization.gptq import LEVELS, input_moments, round_to_steps, round_weights, row_scales

Shape = tuple[int, int]
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 20))


def weights_of(shape: Shape, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def correlated_inputs(channels: int, seed: int = 0, count: int = 400) -> NDArray[np.float32]:
    """`[count, channels]`: a few causes make all the channels, which have unequal sizes."""
    rng = np.random.default_rng(seed)
    few = max(1, channels // 4)
    mixed = rng.standard_normal((count, few)) @ rng.standard_normal((few, channels))
    return ((mixed + 0.1 * rng.standard_normal((count, channels))) * rng.lognormal(size=channels)).astype(np.float32)


def moments_of(inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    return inputs.astype(np.float64).T @ inputs


def nearest(weight: NDArray[np.float32], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(np.rint(weight / scales), -LEVELS, LEVELS) * scales


def error(inputs: NDArray[np.float32], weight: NDArray[np.float32], rounded: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(inputs @ (weight - rounded).T) / np.linalg.norm(inputs @ weight.T))


def test_what_lies_on_a_grid_stays_by_hand() -> None:
    weight = np.array([[7, -3, 0, 1], [-3.5, 3, 0.5, 0]], np.float32)
    assert row_scales(weight, np.ones(4)).tolist() == [[1.0], [0.5]]
    steps, scales = round_to_steps(weight, np.eye(4), block=4)
    assert steps.tolist() == [[7, -3, 0, 1], [-7, 6, 1, 0]]
    assert scales.tolist() == [[1.0], [0.5]]
    assert np.array_equal(round_weights(weight, np.eye(4)), weight)


def test_an_error_is_made_up_for_by_the_next_channel_by_hand() -> None:
    """Two inputs are always equal, so only the sum of their weights counts: for 6.8, 3 + 4 is better than 3 + 3."""
    weight = np.array([[7.0, 3.4, 3.4]], np.float32)
    moments = np.array([[20, 0, 0], [0, 1, 1], [0, 1, 1]])
    steps, scales = round_to_steps(weight, moments, block=3)
    assert scales.tolist() == [[1.0]]
    assert steps[0, 0] == 7
    assert sorted(steps[0, 1:]) == [3, 4]


def test_a_scale_spends_no_steps_on_a_weight_that_does_not_count() -> None:
    weight = weights_of((1, 64))
    weight[0, 5] = 2 * np.abs(weight).max()
    counting, not_counting = np.ones(64), np.ones(64)
    not_counting[5] = 1e-6
    largest = float(np.abs(weight).max())
    assert row_scales(weight, not_counting)[0, 0] == pytest.approx(largest / 2 / LEVELS)  # the smallest that is tried
    assert row_scales(weight, counting)[0, 0] > largest / 2 / LEVELS


@given(SHAPES, st.integers(1, 24), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_steps_are_on_the_grid_for_every_shape_and_block(shape: Shape, block: int, seed: int) -> None:
    weight = weights_of(shape, seed)
    steps, scales = round_to_steps(weight, moments_of(correlated_inputs(shape[1], seed)), block)
    assert steps.shape == shape
    assert steps.dtype == np.int8
    assert np.abs(steps).max() <= LEVELS
    assert scales.shape == (shape[0], -(-shape[1] // block))
    assert (scales > 0).all()
    assert np.isfinite(scales).all()


@given(SHAPES, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_rounded_weights_are_15_multiples_of_one_scale_a_row(shape: Shape, seed: int) -> None:
    weight, moments = weights_of(shape, seed), moments_of(correlated_inputs(shape[1], seed))
    rounded = round_weights(weight, moments)
    steps, scales = round_to_steps(weight, moments, shape[1])
    assert rounded.shape == shape
    assert rounded.dtype == np.float32
    assert np.array_equal(rounded, steps * scales)


@pytest.mark.parametrize("channels", [16, 96, 300])  # 300 is more than one block of the algorithm
@pytest.mark.parametrize("seed", range(3))
def test_the_product_is_nearer_than_with_nearest_rounding(channels: int, seed: int) -> None:
    weight = weights_of((40, channels), seed)
    seen, unseen = np.split(correlated_inputs(channels, seed, count=800), 2)
    rounded = round_weights(weight, moments_of(seen))
    plain = nearest(weight, row_scales(weight, np.diagonal(moments_of(seen))))
    assert error(seen, weight, rounded) < 0.5 * error(seen, weight, plain)
    assert error(unseen, weight, rounded) < 0.5 * error(unseen, weight, plain)


def test_independent_inputs_of_one_size_are_rounded_to_the_nearest() -> None:
    weight, even = weights_of((5, 12)), np.eye(12)
    assert np.allclose(round_weights(weight, even), nearest(weight, row_scales(weight, np.ones(12))))


@pytest.mark.parametrize("block", [8, 32])
def test_smaller_blocks_are_nearer(block: int) -> None:
    weight, inputs = weights_of((40, 96)), correlated_inputs(96)
    weight[:, ::8] *= 6  # ordinary weights share a row with large ones
    moments = moments_of(inputs)
    steps, scales = round_to_steps(weight, moments, block)
    in_blocks = steps * np.repeat(scales, block, axis=1)
    assert error(inputs, weight, in_blocks) < error(inputs, weight, round_weights(weight, moments))


def test_dead_channels_and_rows_of_zeros_do_no_harm() -> None:
    weight, inputs = weights_of((6, 24)), correlated_inputs(24)
    inputs[:, [0, 7, 8]] = 0
    weight[2] = 0
    rounded = round_weights(weight, moments_of(inputs))
    assert np.isfinite(rounded).all()
    assert not rounded[2].any()
    alive = np.setdiff1d(np.arange(24), [0, 7, 8])
    without = round_weights(weight[:, alive], moments_of(inputs[:, alive]))
    assert error(inputs, weight, rounded) < 1.5 * error(inputs[:, alive], weight[:, alive], without) + 1e-6


def test_inputs_that_are_all_zeros_leave_nearest_rounding() -> None:
    weight = weights_of((4, 10))
    rounded = round_weights(weight, np.zeros((10, 10)))
    assert np.allclose(rounded, nearest(weight, row_scales(weight, np.ones(10))))


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_weights_of_any_size_are_rounded_alike(size: float) -> None:
    weight, moments = weights_of((4, 10)), moments_of(correlated_inputs(10))
    scaled = (weight.astype(np.float64) * size).astype(np.float32)
    assert np.allclose(round_weights(scaled, moments) / np.float32(size), round_weights(weight, moments), rtol=1e-3)


def test_what_is_handed_in_is_not_changed() -> None:
    weight, moments = weights_of((4, 10)), moments_of(correlated_inputs(10))
    before = weight.copy(), moments.copy()
    round_weights(weight, moments)
    assert np.array_equal(weight, before[0])
    assert np.array_equal(moments, before[1])


def test_moments_are_sums_over_all_runs() -> None:
    first, second = correlated_inputs(6, 1), correlated_inputs(6, 2)

    def watch(visit) -> None:  # type: ignore[no-untyped-def]
        visit("ffn", first)
        visit("query", second)
        visit("ffn", second)

    moments = input_moments(watch)
    assert set(moments) == {"ffn", "query"}
    assert np.allclose(moments["ffn"], moments_of(np.vstack([first, second])), rtol=1e-4, atol=1e-2)
    assert np.allclose(moments["query"], moments_of(second), rtol=1e-4, atol=1e-2)


def test_rows_below_every_normal_scale_are_zeros() -> None:
    weight = np.array([[1e-40, -2e-39, 0, 1e-44], [7, 0, 0, 1]], np.float32)
    steps, scales = round_to_steps(weight, np.eye(4), block=4)
    assert (steps[0] == 0).all()
    assert (scales >= np.finfo(np.float32).tiny).all()
