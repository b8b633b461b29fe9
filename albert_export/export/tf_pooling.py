"""One vector of a text within a TensorFlow graph, for engines whose users get the graph's outputs as they are."""

from __future__ import annotations

import tensorflow as tf

from albert_runtime.errors import UnsupportedError
from albert_runtime.postprocessing.pooling import EmbeddingOptions

#: shorter vectors are divided by this length, which is far above the smallest float32
_LEAST_LENGTH = 1e-12
#: what padding counts as for the largest value; hidden states are far from it, and float16 holds it
_LOWEST = -60000.0


def pools(options: EmbeddingOptions) -> bool:
    """Whether the vector of a text is something else than the output of the model's pooler."""
    return options.pooling != "pooler" or options.normalize


def sentence_embedding(
    tokens: tf.Tensor, mask: tf.Tensor, pooler_output: tf.Tensor | None, options: EmbeddingOptions
) -> tf.Tensor:
    """The vectors of a batch of texts, float32 `[batch, hidden]`, as `albert_runtime.postprocessing.pooling.pool`.

    Args:
        tokens: the last hidden state, float32 `[batch, sequence, hidden]`.
        mask: 1 for a token, 0 for padding, int32 `[batch, sequence]`.
        pooler_output: the output of the model's pooler, float32 `[batch, hidden]`; None if it has none.
        options: how a text becomes one vector.

    Raises:
        UnsupportedError: there is no such pooling.
    """
    weights = tf.cast(mask, tf.float32)[:, :, None]
    if options.pooling == "pooler" and pooler_output is not None:
        vector = pooler_output
    elif options.pooling == "cls":
        vector = tokens[:, 0]
    elif options.pooling == "mean":
        vector = tf.reduce_sum(tokens * weights, axis=1) / tf.reduce_sum(weights, axis=1)
    elif options.pooling == "max":
        vector = tf.reduce_max(tokens * weights + (1.0 - weights) * _LOWEST, axis=1)
    else:
        raise UnsupportedError(f"pooling={options.pooling!r} can't be made part of a graph")
    if options.normalize:
        vector /= tf.maximum(tf.sqrt(tf.reduce_sum(vector * vector, axis=-1, keepdims=True)), _LEAST_LENGTH)
    return vector
