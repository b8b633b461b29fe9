"""GPTQ: 4-bit values with the right scales, and layer outputs that are nearer than with nearest rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from albert_export.quantization.gptq import LEVELS, gptq_fake_quantize, gptq_quantize, input_hessians, row_scales

Shape = tuple[int, int]
SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 20))


def weights_of(shape: Shape, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def correlated_inputs(channels: int, seed: int = 0, count: int = 400) -> NDArray[np.float32]:
    """Return `[count, channels]`: all channels are mixtures of a few sources, at different scales."""
    rng = np.random.default_rng(seed)
    few = max(1, channels // 4)
    mixed = rng.standard_normal((count, few)) @ rng.standard_normal((few, channels))
    return ((mixed + 0.1 * rng.standard_normal((count, channels))) * rng.lognormal(size=channels)).astype(np.float32)


def hessian_of(inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    return inputs.astype(np.float64).T @ inputs


def nearest(weight: NDArray[np.float32], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(np.rint(weight / scales), -LEVELS, LEVELS) * scales


def error(inputs: NDArray[np.float32], weight: NDArray[np.float32], rounded: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(inputs @ (weight - rounded).T) / np.linalg.norm(inputs @ weight.T))


def test_weights_that_4_bits_represent_exactly_stay_by_hand() -> None:
    weight = np.array([[7, -3, 0, 1], [-3.5, 3, 0.5, 0]], np.float32)
    assert row_scales(weight, np.ones(4)).tolist() == [[1.0], [0.5]]
    values, scales = gptq_quantize(weight, np.eye(4), block_size=4)
    assert values.tolist() == [[7, -3, 0, 1], [-7, 6, 1, 0]]
    assert scales.tolist() == [[1.0], [0.5]]
    assert np.array_equal(gptq_fake_quantize(weight, np.eye(4)), weight)


def test_an_error_is_compensated_by_the_next_channel_by_hand() -> None:
    """Two inputs are always equal, so only the sum of their weights matters: for 6.8, 3 + 4 is better than 3 + 3."""
    weight = np.array([[7.0, 3.4, 3.4]], np.float32)
    hessian = np.array([[20, 0, 0], [0, 1, 1], [0, 1, 1]])
    values, scales = gptq_quantize(weight, hessian, block_size=3)
    assert scales.tolist() == [[1.0]]
    assert values[0, 0] == 7
    assert sorted(values[0, 1:]) == [3, 4]


def test_a_scale_clips_a_weight_that_does_not_matter() -> None:
    weight = weights_of((1, 64))
    weight[0, 5] = 2 * np.abs(weight).max()
    important, unimportant = np.ones(64), np.ones(64)
    unimportant[5] = 1e-6
    largest = float(np.abs(weight).max())
    assert row_scales(weight, unimportant)[0, 0] == pytest.approx(largest / 2 / LEVELS)  # the smallest that is tried
    assert row_scales(weight, important)[0, 0] > largest / 2 / LEVELS


@given(SHAPES, st.integers(1, 24), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_values_and_scales_for_every_shape_and_block_size(shape: Shape, block_size: int, seed: int) -> None:
    weight = weights_of(shape, seed)
    values, scales = gptq_quantize(weight, hessian_of(correlated_inputs(shape[1], seed)), block_size)
    assert values.shape == shape
    assert values.dtype == np.int8
    assert np.abs(values).max() <= LEVELS
    assert scales.shape == (shape[0], -(-shape[1] // block_size))
    assert (scales > 0).all()
    assert np.isfinite(scales).all()


@given(SHAPES, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_fake_quantized_rows_are_multiples_of_one_scale(shape: Shape, seed: int) -> None:
    weight, hessian = weights_of(shape, seed), hessian_of(correlated_inputs(shape[1], seed))
    rounded = gptq_fake_quantize(weight, hessian)
    values, scales = gptq_quantize(weight, hessian, shape[1])
    assert rounded.shape == shape
    assert rounded.dtype == np.float32
    assert np.array_equal(rounded, values * scales)


@pytest.mark.parametrize("channels", [16, 96, 300])  # 300 is more than one block of the algorithm
@pytest.mark.parametrize("seed", range(3))
def test_outputs_are_nearer_than_with_nearest_rounding(channels: int, seed: int) -> None:
    weight = weights_of((40, channels), seed)
    seen, unseen = np.split(correlated_inputs(channels, seed, count=800), 2)
    rounded = gptq_fake_quantize(weight, hessian_of(seen))
    plain = nearest(weight, row_scales(weight, np.diagonal(hessian_of(seen))))
    assert error(seen, weight, rounded) < 0.5 * error(seen, weight, plain)
    assert error(unseen, weight, rounded) < 0.5 * error(unseen, weight, plain)


def test_independent_inputs_of_one_size_are_rounded_to_the_nearest() -> None:
    weight, even = weights_of((5, 12)), np.eye(12)
    assert np.allclose(gptq_fake_quantize(weight, even), nearest(weight, row_scales(weight, np.ones(12))))


@pytest.mark.parametrize("block_size", [8, 32])
def test_smaller_blocks_are_nearer(block_size: int) -> None:
    weight, inputs = weights_of((40, 96)), correlated_inputs(96)
    weight[:, ::8] *= 6  # small weights share a row with large ones
    hessian = hessian_of(inputs)
    values, scales = gptq_quantize(weight, hessian, block_size)
    in_blocks = values * np.repeat(scales, block_size, axis=1)
    assert error(inputs, weight, in_blocks) < error(inputs, weight, gptq_fake_quantize(weight, hessian))


def test_dead_channels_and_rows_of_zeros_are_harmless() -> None:
    weight, inputs = weights_of((6, 24)), correlated_inputs(24)
    inputs[:, [0, 7, 8]] = 0
    weight[2] = 0
    rounded = gptq_fake_quantize(weight, hessian_of(inputs))
    assert np.isfinite(rounded).all()
    assert not rounded[2].any()
    alive = np.setdiff1d(np.arange(24), [0, 7, 8])
    without = gptq_fake_quantize(weight[:, alive], hessian_of(inputs[:, alive]))
    assert error(inputs, weight, rounded) < 1.5 * error(inputs[:, alive], weight[:, alive], without) + 1e-6


def test_with_inputs_that_are_all_zeros_weights_are_rounded_to_the_nearest() -> None:
    weight = weights_of((4, 10))
    rounded = gptq_fake_quantize(weight, np.zeros((10, 10)))
    assert np.allclose(rounded, nearest(weight, row_scales(weight, np.ones(10))))


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_weights_of_any_size_are_quantized_alike(size: float) -> None:
    weight, hessian = weights_of((4, 10)), hessian_of(correlated_inputs(10))
    scaled = (weight.astype(np.float64) * size).astype(np.float32)
    assert np.allclose(
        gptq_fake_quantize(scaled, hessian) / np.float32(size), gptq_fake_quantize(weight, hessian), rtol=1e-3
    )


def test_arguments_are_not_changed() -> None:
    weight, hessian = weights_of((4, 10)), hessian_of(correlated_inputs(10))
    before = weight.copy(), hessian.copy()
    gptq_fake_quantize(weight, hessian)
    assert np.array_equal(weight, before[0])
    assert np.array_equal(hessian, before[1])


def test_hessians_are_sums_over_all_runs() -> None:
    first, second = correlated_inputs(6, 1), correlated_inputs(6, 2)

    def run(hook) -> None:  # type: ignore[no-untyped-def]
        hook("ffn", first)
        hook("query", second)
        hook("ffn", second)

    hessians = input_hessians(run)
    assert set(hessians) == {"ffn", "query"}
    assert np.allclose(hessians["ffn"], hessian_of(np.vstack([first, second])), rtol=1e-4, atol=1e-2)
    assert np.allclose(hessians["query"], hessian_of(second), rtol=1e-4, atol=1e-2)


def test_rows_without_a_normal_scale_become_zeros() -> None:
    weight = np.array([[1e-40, -2e-39, 0, 1e-44], [7, 0, 0, 1]], np.float32)
    values, scales = gptq_quantize(weight, np.eye(4), block_size=4)
    assert (values[0] == 0).all()
    assert (scales >= np.finfo(np.float32).tiny).all()
