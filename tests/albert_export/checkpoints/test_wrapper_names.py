"""Names that wrappers and own classes give to the weights: the same weights are read as from the ordinary folder."""

from __future__ import annotations

import logging

import pytest

from albert_export.checkpoints import ReadOptions, read_checkpoint
from albert_export.checkpoints.wrapper_names import encoder_prefixes, unwrapped
from albert_runtime.errors import CheckpointError
from tests.albert_export.checkpoints.transformers_checkpoint import (
    assert_same,
    full_weights,
    hugging_face_model,
    rewrite,
)

WRAPPERS = ["module.", "_orig_mod.", "model.", "module._orig_mod.", "net.", "auto_model.", "encoder.", "0.auto_model."]


@pytest.mark.parametrize("prefix", WRAPPERS)
@pytest.mark.parametrize("architecture", ["AlbertModel", "AlbertForQuestionAnswering", "AlbertForPreTraining"])
def test_a_wrapped_model_has_the_weights_of_the_model(tmp_path, caplog, architecture, prefix):
    model = hugging_face_model(architecture)
    model.save_pretrained(tmp_path)
    tasks = read_checkpoint(tmp_path).tasks
    rewrite(tmp_path, lambda tensors: {prefix + name: tensor for name, tensor in tensors.items()})
    with caplog.at_level(logging.WARNING, logger="albert_export"):
        checkpoint = read_checkpoint(tmp_path)
    assert_same(checkpoint.weights, full_weights(model))
    assert checkpoint.tasks == tasks
    full = prefix if architecture == "AlbertModel" else f"{prefix}albert."
    assert f"begin with {full!r}, which was taken off" in caplog.text


@pytest.mark.parametrize("attribute", ["bert.", "encoder_model.", "encoder.", "transformer.", "net.backbone."])
def test_the_encoder_under_another_attribute_beside_a_head(tmp_path, attribute):
    model = hugging_face_model("AlbertForSequenceClassification", num_labels=3)
    model.save_pretrained(tmp_path)
    rewrite(
        tmp_path,
        lambda tensors: {
            attribute + name.removeprefix("albert.") if name.startswith("albert.") else name: tensor
            for name, tensor in tensors.items()
        },
    )
    checkpoint = read_checkpoint(tmp_path)
    assert_same(checkpoint.weights, full_weights(model))
    assert checkpoint.tasks == ("feature-extraction", "text-classification")
    assert checkpoint.account.prefix == attribute


def test_a_wrapper_around_an_own_class(tmp_path):
    model = hugging_face_model("AlbertForSequenceClassification", num_labels=3)
    model.save_pretrained(tmp_path)
    rewrite(
        tmp_path,
        lambda tensors: {
            f"module._orig_mod.{name.replace('albert.', 'bert.', 1)}": tensor for name, tensor in tensors.items()
        },
    )
    assert_same(read_checkpoint(tmp_path).weights, full_weights(model))


def test_two_encoders_are_never_mixed(tmp_path):
    model = hugging_face_model("AlbertModel")
    model.save_pretrained(tmp_path)
    rewrite(
        tmp_path,
        lambda tensors: {
            prefix + name: tensor * scale
            for prefix, scale in (("query.", 1.0), ("passage.", 2.0))
            for name, tensor in tensors.items()
        },
    )
    with pytest.raises(CheckpointError, match=r"has 2 encoders, whose names begin with 'passage\.' and 'query\.'"):
        read_checkpoint(tmp_path)
    checkpoint = read_checkpoint(tmp_path, ReadOptions(ignore=("passage.*",)))
    assert_same(checkpoint.weights, full_weights(model))
    assert len(checkpoint.account.ignored) == len(checkpoint.weights)


@pytest.mark.parametrize(
    ("name", "prefix", "full"),
    [
        ("model.albert.pooler.bias", "model.albert.", "albert.pooler.bias"),
        ("model.classifier.bias", "model.albert.", "classifier.bias"),
        ("classifier.bias", "model.albert.", "classifier.bias"),
        ("a.b.qa_outputs.bias", "a.b.c.", "qa_outputs.bias"),
        ("a.qa_outputs.bias", "a.b.c.", "qa_outputs.bias"),
        ("models.classifier.bias", "model.albert.", "models.classifier.bias"),
        ("encoder.pooler.bias", "encoder.", "albert.pooler.bias"),
        ("encoder.classifier.bias", "encoder.", "classifier.bias"),
        # nothing of Hugging Face's is called so; it must not become a head
        ("albert.classifier.bias", "albert.", "albert.classifier.bias"),
        ("pooler.bias", "", "albert.pooler.bias"),
        ("classifier.bias", "", "classifier.bias"),
    ],
)
def test_where_heads_are(name, prefix, full):
    assert unwrapped(name, prefix) == full


def test_only_an_albert_is_an_encoder():
    names = ["bert.encoder.layer.0.output.dense.weight", "my_encoder.albert_layer_groups.0.x", "embeddings.x"]
    assert encoder_prefixes(names) == []
    assert encoder_prefixes(["encoder.encoder.embedding_hidden_mapping_in.bias"]) == ["encoder."]
