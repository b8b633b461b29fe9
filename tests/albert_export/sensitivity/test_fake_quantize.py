"""Fake quantization: numbers worked out by hand, and what holds for any."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from albert_export.sensitivity.fake_quantize import quantized_activations, quantized_weight


def test_int8_weights_have_a_scale_for_each_output_channel() -> None:
    weight = torch.tensor([[1.27, 0.004, 0.006], [-12.7, 0.04, 0.06], [0.0, 0.0, 0.0]])
    expected = torch.tensor([[1.27, 0.0, 0.01], [-12.7, 0.0, 0.1], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(quantized_weight(weight, "int8"), expected)


def test_int4_weights_have_a_scale_for_each_block_of_64() -> None:
    weight = torch.zeros(1, 66)
    weight[0, :4] = torch.tensor([7.0, -3.0, 1.0, 0.4])
    weight[0, 64:] = torch.tensor([0.07, 0.004])  # with the scale of the first block these would be rounded to 0
    expected = torch.zeros(1, 66)
    expected[0, :3] = torch.tensor([7.0, -3.0, 1.0])
    expected[0, 64] = 0.07
    torch.testing.assert_close(quantized_weight(weight, "int4"), expected)


def test_int8_activations_have_one_range_with_a_zero_point() -> None:
    # from -1 to 1.55 in 255 steps: the scale is 0.01, and the zero point is 100
    x = torch.tensor([[-1.0, 1.55], [0.004, 0.006]])
    torch.testing.assert_close(quantized_activations(x, "int8"), torch.tensor([[-1.0, 1.55], [0.0, 0.01]]))


def test_the_range_of_int8_activations_holds_zero() -> None:
    # from 0, not from 2, to 5.1 in 255 steps: the scale is 0.02
    x = torch.tensor([2.009, 2.011, 5.1])
    torch.testing.assert_close(quantized_activations(x, "int8"), torch.tensor([2.0, 2.02, 5.1]))


def test_activations_beside_int4_have_a_scale_for_each_row() -> None:
    x = torch.tensor([[1.27, 0.004, 0.006], [-127.0, 0.4, 0.6], [0.0, 0.0, 0.0]])
    expected = torch.tensor([[1.27, 0.0, 0.01], [-127.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(quantized_activations(x, "int4"), expected)


def test_a_large_activation_makes_others_inexact_in_int8_but_not_in_other_rows_of_int4() -> None:
    x = torch.tensor([[1000.0, 0.5], [0.3, 0.5]])
    assert quantized_activations(x, "int8")[:, 1].tolist() == [0.0, 0.0]
    torch.testing.assert_close(quantized_activations(x, "int4")[1], x[1], atol=0.5 / 254, rtol=0)


def test_a_quantized_layer_by_hand() -> None:
    # inputs: 0 to 2.55, so the scale is 0.01; weights: scales of 0.01 and 0.02
    x, weight = torch.tensor([[2.55, 0.004]]), torch.tensor([[1.27, 0.50], [2.54, -0.03]])
    output = quantized_activations(x, "int8") @ quantized_weight(weight, "int8").T
    torch.testing.assert_close(output, torch.tensor([[2.55 * 1.27, 2.55 * 2.54]]))


@given(
    arrays.arrays(
        np.float32, st.tuples(st.integers(1, 4), st.integers(1, 70)), elements=st.floats(-1000, 1000, width=32)
    ),
    st.sampled_from(["int8", "int4"]),
)
def test_rounding_errors_are_at_most_half_a_scale(values: np.ndarray, precision: str) -> None:
    x = torch.from_numpy(values)
    if precision == "int8":
        step = (x.max().clamp(min=0) - x.min().clamp(max=0)) / 255
        allowed = step.expand_as(x)  # the zero point is rounded too, and the ends are clipped: another half
    else:
        allowed = 0.5 * (x.abs().amax(dim=-1, keepdim=True) / 127).expand_as(x)
    moved = (quantized_activations(x, precision) - x).abs()
    assert bool((moved <= allowed * 1.001 + 1e-6).all())
    rows = (torch.from_numpy(values).abs().amax(dim=1, keepdim=True)) / 127
    assert bool(((quantized_weight(x, "int8") - x).abs() <= 0.501 * rows + 1e-6).all())
