"""The TensorFlow reference's dense layers: what goes into them, and the same layers with their last inputs apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray
from tensorflow import Tensor

from albert_export.config import AlbertConfig
from albert_export.reference.tf_layers import TFDense, TFLayer, weights_and_layers


class TFSplitDense(TFLayer):
    """A dense layer that multiplies its last input channels apart: equal to the layer it is made of.

    Quantizers then find one range for the main channels and another for the outliers.
    """

    def __init__(self, dense: TFDense, outliers: int, config: AlbertConfig) -> None:
        super().__init__()
        outputs, inputs = dense.weight.shape
        self.sizes = [inputs - outliers, outliers]
        self.main = TFDense(self.sizes[0], outputs, config)
        self.outliers = TFDense(outliers, outputs, config, use_bias=False)
        main, apart = tf.split(dense.weight, self.sizes, axis=1)
        self.main.weight.assign(main)
        if self.main.bias is not None:
            self.main.bias.assign(dense.bias)
        self.outliers.weight.assign(apart)

    def call(self, x: Tensor) -> Tensor:
        main, outliers = tf.split(x, self.sizes, axis=-1)
        return self.main(main) + self.outliers(outliers)


def shared_products(reference: Any) -> dict[str, TFDense]:
    """The dense layers of the shared layers, by their path in the reference, in the order of the graph."""
    parts = weights_and_layers(reference)
    return {path: part for path, part in parts if isinstance(part, TFDense) and "albert_layer_groups" in path}


def watch_products(
    reference: Any, samples: Iterable[Mapping[str, NDArray[Any]]], visit: Callable[[str, NDArray[Any]], None]
) -> None:
    """Runs the samples; `visit` is called with each shared product's path and inputs, `[rows, channels]`."""

    def watching(name: str, call: Any) -> Any:
        def watched(x: Tensor) -> Tensor:
            visit(name, tf.reshape(x, [-1, x.shape[-1]]).numpy())
            return call(x)

        return watched

    layers = shared_products(reference)
    try:
        for name, layer in layers.items():
            layer.call = watching(name, layer.call)  # type: ignore[method-assign]
        for sample in samples:
            reference(**{name: tf.constant(array, tf.int32) for name, array in sample.items()}, training=False)
    finally:
        for layer in layers.values():
            del layer.call


def split_products(reference: Any, outliers: Mapping[str, int]) -> None:
    """Replaces each named product by one whose last so many input channels are multiplied apart."""
    parts = dict(weights_and_layers(reference))
    for path, count in outliers.items():
        parent, _, name = path.rpartition(".")
        setattr(parts[parent], name, TFSplitDense(parts[path], count, reference.config))


def reorder_hidden(reference: Any, order: NDArray[Any]) -> None:
    """Has the encoder give its last hidden state's channels in `order`: where each stands in what it computes."""
    getattr(reference, "albert", reference).encoder.hidden_order = tf.constant(order, tf.int32)


def weight(product: TFDense) -> NDArray[Any]:
    """The matrix of a product, `[outputs, inputs]`."""
    return product.weight.numpy()
