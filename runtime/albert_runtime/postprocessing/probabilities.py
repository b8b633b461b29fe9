"""Logits -> probabilities, and the checks that every kind of answer needs."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_runtime.errors import BundleError

Logits = NDArray[np.float32]
Scores = NDArray[np.float64]


def softmax(logits: NDArray[Any]) -> Scores:
    """Probabilities along the last axis.

    Raises:
        BundleError: `logits` holds NaN or infinity.
    """
    values = finite(logits)
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: Scores = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def finite(logits: NDArray[Any]) -> Scores:
    """The logits in float64.

    Raises:
        BundleError: `logits` holds NaN or infinity, which a graph in half precision gives when it overflows.
    """
    values = np.asarray(logits, dtype=np.float64)
    if not np.isfinite(values).all():
        raise BundleError(
            "the model gave values that are not numbers (NaN or infinity); "
            "export it again in a higher precision: albert-export onnx --precision fp32"
        )
    return values


def log_of(probability: float) -> float:
    """The logarithm of a probability; that of 0 is the logarithm of the smallest number above it."""
    return math.log(max(probability, sys.float_info.min))


def sigmoid(value: float) -> float:
    """The probability whose logarithm of the odds is `value`."""
    return float(np.exp(-np.logaddexp(0.0, -value)))


def logit(probability: float) -> float:
    """The logarithm of the odds: the inverse of the sigmoid function."""
    return log_of(probability) - log_of(1.0 - probability)


def check_label_count(logits: NDArray[Any], labels: Sequence[str]) -> None:
    """Check that there is one logit for each label.

    Raises:
        BundleError: there are more or fewer.
    """
    if logits.shape[-1] != len(labels):
        raise BundleError(
            f"the model gives {logits.shape[-1]} scores, and the bundle's manifest names {len(labels)} labels: "
            f"{', '.join(labels)}; export the model again"
        )
