"""The vector of a text within a graph is the one that the runtime makes of the same tokens."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from albert_export.export.tf_pooling import pools, sentence_embedding
from albert_runtime.errors import UnsupportedError
from albert_runtime.postprocessing.pooling import POOLINGS, EmbeddingOptions, pool

RANDOM = np.random.default_rng(0)
TOKENS = RANDOM.normal(-3, 1, (2, 5, 8)).astype(np.float32)  # below 0, where padding must not be the largest
POOLER = RANDOM.normal(size=(2, 8)).astype(np.float32)
LENGTHS = (5, 2)
MASK = np.int32([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_vectors_are_those_of_the_runtime(pooling: str, normalize: bool) -> None:
    options = EmbeddingOptions(pooling=pooling, normalize=normalize)
    found = sentence_embedding(tf.constant(TOKENS), tf.constant(MASK), tf.constant(POOLER), options).numpy()
    assert found.dtype == np.float32
    for row, length in enumerate(LENGTHS):
        expected = pool(TOKENS[row, :length], POOLER[row], pooling, normalize=normalize)
        np.testing.assert_allclose(found[row], expected, atol=1e-6)
    assert pools(options) == ((pooling, normalize) != ("pooler", False))


def test_a_vector_of_zeros_has_no_length() -> None:
    zeros = tf.zeros([1, 3, 4])
    options = EmbeddingOptions(pooling="mean", normalize=True)
    found = sentence_embedding(zeros, tf.ones([1, 3], tf.int32), None, options).numpy()
    np.testing.assert_array_equal(found, 0)


def test_a_pooler_that_is_not_there() -> None:
    with pytest.raises(UnsupportedError, match="'pooler' can't be made part"):
        sentence_embedding(tf.constant(TOKENS), tf.constant(MASK), None, EmbeddingOptions())
