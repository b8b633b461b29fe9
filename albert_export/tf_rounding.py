"""Lends a TensorFlow reference 4-bit weights in its shared layers, and takes them back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from albert_export.reference.tf_layers import TFDense
from albert_export.rounding import round_weights

Sample = Mapping[str, NDArray[np.int32]]


@contextlib.contextmanager
def rounded_weights(reference: Any, samples: Sequence[Sample]) -> Iterator[None]:
    """Within the block, the matrices of the shared layers hold 4-bit values, found with `samples` of its inputs."""
    groups = getattr(reference, "albert", reference).encoder.albert_layer_groups
    layers = [layer for group in groups for layer in group._flatten_layers() if isinstance(layer, TFDense)]
    moments = _input_moments(reference, layers, samples)
    before = [layer.weight.numpy() for layer in layers]
    try:
        for layer, weight in zip(layers, before, strict=True):
            layer.weight.assign(round_weights(weight, moments[id(layer)]))
        yield
    finally:
        for layer, weight in zip(layers, before, strict=True):
            layer.weight.assign(weight)


def _input_moments(
    reference: Any, layers: Sequence[TFDense], samples: Sequence[Sample]
) -> dict[int, NDArray[np.float64]]:
    """The sum of `x^T x` over all inputs of each layer, in all passes."""
    moments = {id(layer): np.zeros([layer.weight.shape[1]] * 2) for layer in layers}

    def recording(layer: TFDense, call: Any) -> Any:
        def record(x: tf.Tensor) -> tf.Tensor:
            rows = tf.reshape(x, [-1, x.shape[-1]])
            moments[id(layer)] += tf.matmul(rows, rows, transpose_a=True).numpy()
            return call(x)

        return record

    calls = [layer.call for layer in layers]
    try:
        for layer, call in zip(layers, calls, strict=True):
            layer.call = recording(layer, call)  # type: ignore[method-assign]
        for sample in samples:
            reference(**sample, training=False)
    finally:
        for layer in layers:
            del layer.call
    return moments
