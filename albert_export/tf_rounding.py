"""Lends a TensorFlow reference 4-bit weights in its shared layers, and takes them back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.quantization.gptq import round_weights
from albert_export.quantization.tf_linears import shared_products


@contextlib.contextmanager
def rounded_weights(reference: Any, moments: Mapping[str, NDArray[np.float64]]) -> Iterator[None]:
    """Within the block, matrices of the shared layers hold 4-bit values: those with `moments` of their inputs."""
    products = shared_products(reference)
    before = {path: products[path].weight.numpy() for path in moments}
    try:
        for path, moment in moments.items():
            products[path].weight.assign(round_weights(before[path], moment))
        yield
    finally:
        for path, weight in before.items():
            products[path].weight.assign(weight)
