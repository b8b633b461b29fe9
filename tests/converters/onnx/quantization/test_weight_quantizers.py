"""Weights are quantized to values and scales: by hand, and at the limits of float32."""

from __future__ import annotations

import numpy as np
import pytest

from albert_converters.onnx.quantization.weight_quantizers import (
    Int4Weights,
    pack_int4,
    quantize_int4,
    quantize_int8,
    quantize_int8_blocks,
)


def test_by_hand() -> None:
    values, scales = quantize_int8(np.float32([[-10, -3, 5, 2]]), axis=1)
    assert values.tolist() == [[-127, -38, 64, 25]]
    assert scales == np.float32([[10 / 127]])
    values, scales = quantize_int8(np.float32([[-10, -3, 4, 2]]), axis=1, largest=63)
    assert values.tolist() == [[-63, -19, 25, 13]]
    assert scales == np.float32([[10 / 63]])


def test_weights_along_the_axis_share_a_scale() -> None:
    matrix = np.float32([[1, -20], [-2, 4]])
    assert quantize_int8(matrix, axis=0).values.tolist() == [[64, -127], [-127, 25]]
    assert quantize_int8(matrix, axis=1).values.tolist() == [[6, -127], [-64, 127]]
    assert [quantize_int8(matrix, axis=axis).scales.shape for axis in (0, 1)] == [(1, 2), (2, 1)]


@pytest.mark.parametrize("zero", [0.0, 1e-38, -1e-44])
def test_rows_of_zeros(zero: float) -> None:
    rows = np.float32([[zero] * 4, [1, 2, 3, 4]])
    values, scales = quantize_int8(rows, axis=1)
    assert not values[0].any()
    assert scales[0] == np.float32(1e-30)
    weights = quantize_int4(rows.T, 32)
    assert not weights.values[0].any()
    assert weights.scales[0] == np.float32(1e-30)
    packed, scales = quantize_int8_blocks(rows.T, 32)
    assert np.unique(packed[0]).tolist() == [128]
    assert scales[0] == np.float32(1e-30)


def test_weights_that_4_bits_represent_exactly_stay() -> None:
    values = np.random.default_rng(0).integers(-7, 8, (6, 96))
    values[:, [0, 32, 64]] = 7
    scales = np.float32([[0.5, 2, 8]] * 6)
    weights = quantize_int4((values * scales.repeat(32, axis=1)).T.astype(np.float32), 32)
    assert (weights.values == values).all()
    assert (weights.scales == scales).all()


def test_the_largest_weight_of_a_block_may_be_clipped() -> None:
    block = np.random.default_rng(0).normal(size=(128, 1)).astype(np.float32)
    full = np.abs(block).max() / 7
    values, scales = quantize_int4(block, 128)
    assert scales < 0.9 * full
    error = np.square(values.T * scales - block).sum()
    assert error < 0.9 * np.square(np.rint(block / full) * full - block).sum()


def test_two_values_in_a_byte() -> None:
    weights = Int4Weights(np.int8([[-8, 7, 0, 1, -1]]), np.ones((1, 1), np.float32))
    packed = pack_int4(weights, 32)
    assert packed.shape == (1, 1, 16)
    # -8 is 0, 7 is 15, 0 is 8, 1 is 9, -1 is 7; the first is in the lower half, and zeros fill the block
    assert packed[0, 0].tolist() == [0xF0, 0x98, 0x87, *[0x88] * 13]


def test_the_last_block_may_be_shorter() -> None:
    matrix = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    assert quantize_int4(matrix, 32).values.shape == (3, 40)
    assert quantize_int4(matrix, 32).scales.shape == (3, 2)
    packed, scales = quantize_int8_blocks(matrix, 32)
    assert packed.shape == (3, 2, 32)
    assert (packed[:, 1, 8:] == 128).all()
    restored = ((packed.astype(np.float32) - 128) * scales[..., None]).reshape(3, 64)[:, :40].T
    assert np.abs(restored - matrix).max() <= scales.max() / 2 + 1e-6
