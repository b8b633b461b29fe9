"""Weights that are refused: wrong kinds of numbers, sizes that contradict the configuration, other models."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.albert_export.checkpoints.conftest import (
    refused,
    save_weights,
    weights,
)


def test_bert_weights_under_an_alberts_configuration(folder):
    save_weights(folder, {"bert.embeddings.word_embeddings.weight": np.ones((20, 8), np.float32)})
    refused(folder, "are not an ALBERT's", "'bert.embeddings.word_embeddings.weight'")


def test_no_weights_in_the_file(folder):
    save_weights(folder, {})
    refused(folder, "none of the 0 belongs to its encoder")


def test_whole_numbers_for_weights(folder):
    save_weights(folder, weights() | {"qa_outputs.weight": np.ones((2, 8), np.int64)})
    refused(folder, "qa_outputs.weight is int64, not floating point")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(folder, value):
    damaged = weights()
    damaged["qa_outputs.weight"][1, 3] = value
    damaged["albert.embeddings.word_embeddings.weight"][0, 0] = value
    save_weights(folder, damaged)
    message = refused(folder, "qa_outputs.weight has values that are not finite")
    assert "albert.embeddings.word_embeddings.weight has" in message
    assert message.endswith("\nFetch the checkpoint again, or take one from before training diverged.")


def test_doubles_beyond_float32(folder):
    save_weights(folder, weights() | {"qa_outputs.weight": np.full((2, 8), 1e300)})
    refused(folder, "qa_outputs.weight has values that are not finite")


def test_one_weight_under_two_names(folder):
    save_weights(folder, weights() | {"embeddings.word_embeddings.weight": np.zeros((20, 4), np.float32)})
    refused(folder, "appears twice")


@pytest.mark.parametrize(
    ("field", "shape"),
    [
        ("vocab_size", "word_embeddings.weight has the shape [20, 4]: 20"),
        ("embedding_size", "word_embeddings.weight has the shape [20, 4]: 4"),
        ("max_position_embeddings", "position_embeddings.weight has the shape [6, 4]: 6"),
        ("type_vocab_size", "token_type_embeddings.weight has the shape [2, 4]: 2"),
        ("hidden_size", "embedding_hidden_mapping_in.weight has the shape [8, 4]: 8"),
        ("intermediate_size", "ffn.weight has the shape [12, 8]: 12"),
    ],
)
def test_another_size_than_the_configuration_says(folder, field, shape):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, field: 30_000_000}))
    refused(folder, f"{field} is 30000000, but albert.", shape)


def test_all_sizes_at_once(folder):
    save_weights(folder, weights() | {"albert.embeddings.word_embeddings.weight": np.ones((21, 5), np.float32)})
    refused(folder, "vocab_size is 20", "embedding_size is 4")


def test_a_matrix_without_its_axes(folder):
    save_weights(folder, weights() | {"albert.embeddings.word_embeddings.weight": np.ones(80, np.float32)})
    refused(folder, "word_embeddings.weight has the shape [80], and must have two axes")
