"""The dense, embedding and LayerNorm layers of TensorFlow's ALBERT, with PyTorch's names and weight layouts.

The code uses only operators that TFLite has as built-ins for dynamic shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from tensorflow import Tensor

from albert_export.config import AlbertConfig
from albert_runtime.errors import DependencyError

if keras.backend.backend() != "tensorflow":
    raise DependencyError(
        f"Keras runs on {keras.backend.backend()} here, and these models need TensorFlow; set KERAS_BACKEND=tensorflow"
    )


class NamedLayers:
    """Gives each layer within it the name of its attribute, so that every graph has names like `albert/encoder/...`."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, keras.layers.Layer):
            value.name = name
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, keras.layers.Layer):
                    item.name = f"{name}_{index}"
        super().__setattr__(name, value)


class TFLayer(NamedLayers, keras.layers.Layer):
    """A layer that creates its weights in the constructor, as PyTorch layers do."""

    def __init__(self) -> None:
        super().__init__()
        self.built = True


class TFDense(TFLayer):
    """`x W^T + b`; the weight has the shape [outputs, inputs], which is the layout of PyTorch and TFLite."""

    def __init__(self, inputs: int, outputs: int, config: AlbertConfig, use_bias: bool = True) -> None:
        super().__init__()
        normal = keras.initializers.RandomNormal(stddev=config.initializer_range)
        self.weight = self.add_weight(shape=(outputs, inputs), initializer=normal, name="weight")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias") if use_bias else None

    def call(self, x: Tensor) -> Tensor:
        product = tf.matmul(x, self.weight, transpose_b=True)
        return product if self.bias is None else product + self.bias


class TFEmbedding(TFLayer):
    """A table of rows: ids `[...]` -> `[..., columns]`. The row of `padding_idx` starts as zeros and is not trained."""

    def __init__(self, rows: int, columns: int, config: AlbertConfig, padding_idx: int | None = None) -> None:
        super().__init__()
        self.padding_idx = padding_idx
        normal = keras.initializers.RandomNormal(stddev=config.initializer_range)
        self.weight = self.add_weight(shape=(rows, columns), initializer=normal, name="weight")
        if padding_idx is not None:
            self.weight.assign(tf.tensor_scatter_nd_update(self.weight, [[padding_idx]], tf.zeros([1, columns])))

    def call(self, ids: Tensor, training: bool = False) -> Tensor:
        rows = tf.gather(self.weight, ids)
        if training and self.padding_idx is not None:
            padding = tf.expand_dims(tf.equal(ids, self.padding_idx), -1)
            rows = tf.where(padding, tf.stop_gradient(rows), rows)
        return rows


class TFLayerNorm(TFLayer):
    """LayerNorm over the last axis, in float32 like all layers here: an epsilon of 1e-12 would be 0 in float16."""

    def __init__(self, size: int, config: AlbertConfig) -> None:
        super().__init__()
        self.epsilon = config.layer_norm_eps
        self.weight = self.add_weight(shape=(size,), initializer="ones", name="weight")
        self.bias = self.add_weight(shape=(size,), initializer="zeros", name="bias")

    def call(self, x: Tensor) -> Tensor:
        mean = tf.reduce_mean(x, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axis=-1, keepdims=True)
        # The order matters: the TFLite converter folds a multiplication by a constant into the weights of the layer
        # that follows. Those would then no longer be the checkpoint's weights, or would be stored a second time. In
        # this order, nothing is multiplied by a constant alone.
        return (x - mean) * (tf.math.rsqrt(variance + self.epsilon) * self.weight) + self.bias


def weights_and_layers(layer: keras.layers.Layer, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every weight and layer within `layer`, at any depth, with its path of attribute names, as PyTorch writes it."""
    for name, value in vars(layer).items():
        if name.startswith("_"):  # Keras keeps its own lists of layers in these
            continue
        places = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, item in places:
            path = f"{prefix}{name}" if index is None else f"{prefix}{name}.{index}"
            if isinstance(item, keras.Variable | keras.layers.Layer):
                yield path, item
            if isinstance(item, keras.layers.Layer):
                yield from weights_and_layers(item, f"{path}.")


def layer_weights(layer: keras.layers.Layer) -> Iterator[tuple[str, keras.Variable]]:
    """Every weight within `layer`, at any depth, with its path."""
    return ((path, part) for path, part in weights_and_layers(layer) if isinstance(part, keras.Variable))
