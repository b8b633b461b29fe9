"""Fake quantization: float32 weights and activations, rounded to the values that a quantized layer computes with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from albert_converters.onnx.quantization.weight_quantizers import quantize_int4, quantize_int8

#: the number of inputs that share a scale of int4
_BLOCK_SIZE = 64


def quantized_weight(weight: Tensor, precision: str) -> Tensor:
    """Round the weights of a linear layer, `[outputs, inputs]`.

    Args:
        weight: float32.
        precision: "int8": -127 to 127, with a scale for each output channel. "int4": -8 to 7, with a scale for each 64
            inputs of an output channel.
    """
    array = weight.detach().numpy()
    if precision == "int8":
        values, scales = quantize_int8(array, axis=1)
    else:
        values, scales = quantize_int4(array.T, _BLOCK_SIZE)
        scales = np.repeat(scales, _BLOCK_SIZE, axis=1)[:, : array.shape[1]]
    return torch.from_numpy(values * scales)


def quantized_activations(x: Tensor, precision: str) -> Tensor:
    """Round the inputs of a linear layer, `[..., inputs]`, as engines do if its weights have this precision."""
    return _per_tensor(x) if precision == "int8" else _per_row(x)


def _per_tensor(x: Tensor) -> Tensor:
    """Round to 8 bits with one scale and one zero point for the whole tensor, as ONNX's DynamicQuantizeLinear does."""
    lowest, highest = x.min().clamp(max=0.0), x.max().clamp(min=0.0)
    scale = (highest - lowest) / 255
    if scale == 0:
        return x
    zero = (-lowest / scale).round().clamp(0, 255)
    return ((x / scale).round().add_(zero).clamp_(0, 255).sub_(zero)).mul_(scale)


def _per_row(x: Tensor) -> Tensor:
    """Round to 8 bits, symmetric, with a scale for each row."""
    scale = x.abs().amax(dim=-1, keepdim=True) / 127
    scale = torch.where(scale == 0, 1.0, scale)
    return (x / scale).round_().clamp_(-127, 127).mul_(scale)
