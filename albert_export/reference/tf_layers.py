"""The layers that TensorFlow's ALBERT is made of, with PyTorch's names and layouts: dense, embedding, LayerNorm.

Written with operators that TFLite has as built-ins on dynamic shapes.
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


class NamedParts:
    """Layers in it are called as the attributes that hold them: graphs then show `albert/encoder/...`, every time."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, keras.layers.Layer):
            value.name = name
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, keras.layers.Layer):
                    item.name = f"{name}_{index}"
        super().__setattr__(name, value)


class TFLayer(NamedParts, keras.layers.Layer):
    """A layer whose weights are made in its constructor, as PyTorch's are."""

    def __init__(self) -> None:
        super().__init__()
        self.built = True


class TFDense(TFLayer):
    """`x W^T + b`; the weight is kept as [outputs, inputs], which is PyTorch's and TFLite's layout."""

    def __init__(self, inputs: int, outputs: int, config: AlbertConfig, use_bias: bool = True) -> None:
        super().__init__()
        normal = keras.initializers.RandomNormal(stddev=config.initializer_range)
        self.weight = self.add_weight(shape=(outputs, inputs), initializer=normal, name="weight")
        self.bias = self.add_weight(shape=(outputs,), initializer="zeros", name="bias") if use_bias else None

    def call(self, x: Tensor) -> Tensor:
        product = tf.matmul(x, self.weight, transpose_b=True)
        return product if self.bias is None else product + self.bias


class TFEmbedding(TFLayer):
    """Rows of a table: ids `[...]` -> `[..., columns]`. The row of `padding_idx` starts as zeros, and isn't trained."""

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
    """LayerNorm over the last axis, in float32 as everything here: epsilon 1e-12 would vanish in float16."""

    def __init__(self, size: int, config: AlbertConfig) -> None:
        super().__init__()
        self.epsilon = config.layer_norm_eps
        self.weight = self.add_weight(shape=(size,), initializer="ones", name="weight")
        self.bias = self.add_weight(shape=(size,), initializer="zeros", name="bias")

    def call(self, x: Tensor) -> Tensor:
        mean = tf.reduce_mean(x, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), axis=-1, keepdims=True)
        # In this order no product is by a constant alone: the TFLite converter would multiply that into the weights of
        # the layer that follows, which are then other weights than the checkpoint's, or a second copy of them.
        return (x - mean) * (tf.math.rsqrt(variance + self.epsilon) * self.weight) + self.bias


def parts_within(layer: keras.layers.Layer, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every weight and layer in `layer` and in the layers in it, by its path of attributes, as PyTorch names them."""
    for name, value in vars(layer).items():
        if name.startswith("_"):  # Keras' own books
            continue
        places = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, item in places:
            path = f"{prefix}{name}" if index is None else f"{prefix}{name}.{index}"
            if isinstance(item, keras.Variable | keras.layers.Layer):
                yield path, item
            if isinstance(item, keras.layers.Layer):
                yield from parts_within(item, f"{path}.")


def weights_within(layer: keras.layers.Layer) -> Iterator[tuple[str, keras.Variable]]:
    """Every weight of `layer` and of the layers in it, by its path."""
    return ((path, part) for path, part in parts_within(layer) if isinstance(part, keras.Variable))
