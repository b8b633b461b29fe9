"""Weights become steps of a scale: by hand, and at the edges of float32."""

from __future__ import annotations

import numpy as np
import pytest

from albert_converters.onnx.quantization.weight_quantizers import (
    Rounded,
    int4_blocks,
    int8_steps,
    packed_int4,
    packed_int8,
)


def test_by_hand() -> None:
    steps, scales = int8_steps(np.float32([[-10, -3, 5, 2]]), axis=1)
    assert steps.tolist() == [[-127, -38, 64, 25]]
    assert scales == np.float32([[10 / 127]])
    steps, scales = int8_steps(np.float32([[-10, -3, 4, 2]]), axis=1, levels=63)
    assert steps.tolist() == [[-63, -19, 25, 13]]
    assert scales == np.float32([[10 / 63]])


def test_what_shares_a_scale() -> None:
    matrix = np.float32([[1, -20], [-2, 4]])
    assert int8_steps(matrix, axis=0).steps.tolist() == [[64, -127], [-127, 25]]
    assert int8_steps(matrix, axis=1).steps.tolist() == [[6, -127], [-64, 127]]
    assert int8_steps(matrix, axis=None).steps.tolist() == [[6, -127], [-13, 25]]
    shapes = [int8_steps(matrix, axis=axis).scales.shape for axis in (0, 1, None)]
    assert shapes == [(1, 2), (2, 1), (1, 1)]


@pytest.mark.parametrize("nothing", [0.0, 1e-38, -1e-44])
def test_rows_of_nothing(nothing: float) -> None:
    rows = np.float32([[nothing] * 4, [1, 2, 3, 4]])
    steps, scales = int8_steps(rows, axis=1)
    assert not steps[0].any()
    assert scales[0] == np.float32(1e-30)
    rounded = int4_blocks(rows.T, 32)
    assert not rounded.steps[0].any()
    assert rounded.scales[0] == np.float32(1e-30)
    packed, scales = packed_int8(rows.T, 32)
    assert np.unique(packed[0]).tolist() == [128]
    assert scales[0] == np.float32(1e-30)


def test_what_four_bits_hold_is_kept() -> None:
    steps = np.random.default_rng(0).integers(-7, 8, (6, 96))
    steps[:, [0, 32, 64]] = 7
    scales = np.float32([[0.5, 2, 8]] * 6)
    rounded = int4_blocks((steps * scales.repeat(32, axis=1)).T.astype(np.float32), 32)
    assert (rounded.steps == steps).all()
    assert (rounded.scales == scales).all()


def test_steps_are_not_wasted_on_the_largest_weight() -> None:
    block = np.random.default_rng(0).normal(size=(128, 1)).astype(np.float32)
    full = np.abs(block).max() / 7
    steps, scales = int4_blocks(block, 128)
    assert scales < 0.9 * full
    error = np.square(steps.T * scales - block).sum()
    assert error < 0.9 * np.square(np.rint(block / full) * full - block).sum()


def test_two_in_a_byte() -> None:
    rounded = Rounded(np.int8([[-8, 7, 0, 1, -1]]), np.ones((1, 1), np.float32))
    packed = packed_int4(rounded, 32)
    assert packed.shape == (1, 1, 16)
    # -8 is 0, 7 is 15, 0 is 8, 1 is 9, -1 is 7; the first stands in the lower half, and 0 fills the block up
    assert packed[0, 0].tolist() == [0xF0, 0x98, 0x87, *[0x88] * 13]


def test_blocks_end_where_rows_end() -> None:
    matrix = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    assert int4_blocks(matrix, 32).steps.shape == (3, 40)
    assert int4_blocks(matrix, 32).scales.shape == (3, 2)
    packed, scales = packed_int8(matrix, 32)
    assert packed.shape == (3, 2, 32)
    assert (packed[:, 1, 8:] == 128).all()
    restored = ((packed.astype(np.float32) - 128) * scales[..., None]).reshape(3, 64)[:, :40].T
    assert np.abs(restored - matrix).max() <= scales.max() / 2 + 1e-6
