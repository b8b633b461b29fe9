"""Fake quantization: float32 weights and activations, moved to where a quantized product would have them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from albert_converters.onnx.quantization.weight_quantizers import int4_blocks, int8_steps

#: inputs that share a scale of int4
_BLOCK = 64


def quantized_weight(weight: Tensor, precision: str) -> Tensor:
    """The weights `[outputs, inputs]` of a dense layer, rounded; `precision` is "int8" or "int4".

    int8 has a scale for each output channel, -127 to 127; int4 a scale for each 64 inputs of one, -8 to 7.
    """
    array = weight.detach().numpy()
    if precision == "int8":
        steps, scales = int8_steps(array, axis=1)
    else:
        steps, scales = int4_blocks(array.T, _BLOCK)
        scales = np.repeat(scales, _BLOCK, axis=1)[:, : array.shape[1]]
    return torch.from_numpy(steps * scales)


def quantized_activations(x: Tensor, precision: str) -> Tensor:
    """The inputs of a dense layer, `[..., inputs]`, rounded as an engine rounds them beside weights of `precision`."""
    return _by_tensor(x) if precision == "int8" else _by_row(x)


def _by_tensor(x: Tensor) -> Tensor:
    """8 bits with one scale and a zero point for the whole tensor: ONNX's DynamicQuantizeLinear."""
    least, most = x.min().clamp(max=0.0), x.max().clamp(min=0.0)
    scale = (most - least) / 255
    if scale == 0:
        return x
    zero = (-least / scale).round().clamp(0, 255)
    return ((x / scale).round().add_(zero).clamp_(0, 255).sub_(zero)).mul_(scale)


def _by_row(x: Tensor) -> Tensor:
    """8 bits, symmetric, with a scale for each row."""
    scale = x.abs().amax(dim=-1, keepdim=True) / 127
    scale = torch.where(scale == 0, 1.0, scale)
    return (x / scale).round_().clamp_(-127, 127).mul_(scale)
