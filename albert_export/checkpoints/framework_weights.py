"""Turns a variable of Keras or Flax into a weight of Hugging Face: its name, the order of its axes, its heads."""

from __future__ import annotations

import re

import numpy as np

#: what Keras and Flax call a variable of a layer -> what PyTorch calls it
_VARIABLES = {
    "kernel": "weight",
    "bias": "bias",
    # layer normalization: gamma and beta in Keras, scale and bias in Flax
    "gamma": "weight",
    "beta": "bias",
    "scale": "weight",
    # embeddings: `embeddings` in Keras, `embedding` in Flax
    "embeddings": "weight",
    "embedding": "weight",
    "position_embeddings": "weight",
}
_HEADS_OUT = re.compile(r"\.attention\.(query|key|value)$")


def hugging_face_weight(module: str, variable: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    """The weight of Hugging Face's `module` that Keras or Flax stores as `array`.

    Keras and Flax store a dense layer's matrix as [inputs, outputs], PyTorch as [outputs, inputs]. Keras' attention
    layer (`MultiHeadAttention`) has axes of its own for the heads: [hidden_size, heads, head_size] for query, key and
    value, whose biases are [heads, head_size], and [heads, head_size, hidden_size] for the output.

    Args:
        module: the full name of the layer, such as `albert.pooler`.
        variable: the framework's name of the variable, such as `kernel`. Unknown names stay as they are.
        array: its value, of any dtype; the result has the same dtype.
    """
    name = ".".join(filter(None, (module, _VARIABLES.get(variable, variable))))
    if variable == "kernel":
        if array.ndim == 3:
            rows = (array.shape[0], -1) if _HEADS_OUT.search(module) else (-1, array.shape[-1])
            array = array.reshape(rows)
        return name, array.T
    if variable == "bias" and array.ndim == 2 and _HEADS_OUT.search(module):
        array = array.reshape(-1)
    return name, array
