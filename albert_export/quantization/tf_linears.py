"""Linear layers of the TensorFlow reference: forward hooks, layers split at their outlier inputs, 4-bit weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow import Tensor

from albert_export.config import AlbertConfig
from albert_export.quantization.gptq import gptq_fake_quantize
from albert_export.quantization.outlier_channels import ForwardHook
from albert_export.reference.tf_layers import TFDense, TFLayer, weights_and_layers


class TFSplitDense(TFLayer):
    """A linear layer that multiplies its last input channels separately; it computes what `dense` computes.

    Quantizers then choose one range for the main channels and another one for the outliers.

    Args:
        dense: the layer that is replaced; its weights are copied.
        outliers: the number of its last input channels to split off.
        config: of the model.
    """

    def __init__(self, dense: TFDense, outliers: int, config: AlbertConfig) -> None:
        super().__init__()
        outputs, inputs = dense.weight.shape
        self.sizes = [inputs - outliers, outliers]
        self.main = TFDense(self.sizes[0], outputs, config)
        self.outliers = TFDense(outliers, outputs, config, use_bias=False)
        main_weight, outlier_weight = tf.split(dense.weight, self.sizes, axis=1)
        self.main.weight.assign(main_weight)
        if self.main.bias is not None:
            self.main.bias.assign(dense.bias)
        self.outliers.weight.assign(outlier_weight)

    def call(self, x: Tensor) -> Tensor:
        main, outliers = tf.split(x, self.sizes, axis=-1)
        return self.main(main) + self.outliers(outliers)


def shared_linears(reference: Any) -> dict[str, TFDense]:
    """Return the linear layers within the shared layers, by their path in the reference, in the order they run."""
    parts = weights_and_layers(reference)
    return {path: part for path, part in parts if isinstance(part, TFDense) and "albert_layer_groups" in path}


def run_with_forward_hooks(reference: Any, samples: Iterable[Mapping[str, NDArray[Any]]], hook: ForwardHook) -> None:
    """Run the samples; `hook` is called with the path and the inputs `[rows, channels]` of each shared linear layer.

    It is called in every pass, and the reference is left without hooks.
    """

    def hooked(name: str, call: Any) -> Any:
        def call_with_hook(x: Tensor) -> Tensor:
            hook(name, tf.reshape(x, [-1, x.shape[-1]]).numpy())
            return call(x)

        return call_with_hook

    layers = shared_linears(reference)
    try:
        for name, layer in layers.items():
            layer.call = hooked(name, layer.call)  # type: ignore[method-assign]
        for sample in samples:
            reference(**{name: tf.constant(array, tf.int32) for name, array in sample.items()}, training=False)
    finally:
        for layer in layers.values():
            del layer.call


def split_linears(reference: Any, outliers: Mapping[str, int]) -> None:
    """Replace linear layers by ones that multiply their last input channels separately.

    Args:
        reference: the model to change.
        outliers: the path of each layer to split, with the number of its last input channels to split off.
    """
    parts = dict(weights_and_layers(reference))
    for path, count in outliers.items():
        parent, _, name = path.rpartition(".")
        setattr(parts[parent], name, TFSplitDense(parts[path], count, reference.config))


@contextlib.contextmanager
def temporary_int4_weights(reference: Any, hessians: Mapping[str, NDArray[np.float64]]) -> Iterator[None]:
    """Give linear layers 4-bit weights within the block, and restore their own weights after it.

    The weights stay float32, but each row holds only the multiples -7 to 7 of one scale.

    Args:
        reference: the model to change.
        hessians: of the inputs of each layer to change, by its path; see `gptq.input_hessians`.
    """
    layers = shared_linears(reference)
    original = {path: weight(layers[path]) for path in hessians}
    try:
        for path, hessian in hessians.items():
            layers[path].weight.assign(gptq_fake_quantize(original[path], hessian))
        yield
    finally:
        for path, matrix in original.items():
            layers[path].weight.assign(matrix)


def reorder_hidden(reference: Any, order: NDArray[Any]) -> None:
    """Make the encoder reorder the channels of its last hidden state before it returns it.

    Args:
        reference: the model to change.
        order: for each channel of the result, the channel of the computed state that it is taken from.
    """
    getattr(reference, "albert", reference).encoder.hidden_order = tf.constant(order, tf.int32)


def weight(linear: TFDense) -> NDArray[Any]:
    """The weight matrix of a linear layer, `[outputs, inputs]`."""
    return linear.weight.numpy()
