"""The account of weights: what nothing reads is refused by name, and options say what it is."""

from __future__ import annotations

import logging

import pytest
import torch

from albert_export.checkpoints import ReadOptions, read_checkpoint
from albert_runtime.errors import CheckpointError, UsageError
from tests.albert_export.checkpoints.transformers_checkpoint import (
    assert_same,
    full_weights,
    hugging_face_model,
    rewrite,
)

CRF = {
    "crf.start_transitions": torch.ones(3),
    "crf.end_transitions": torch.ones(3),
    "crf.transitions": torch.ones(3, 3),
}


@pytest.fixture
def tagger(tmp_path):
    """A token classifier, and its weights."""
    model = hugging_face_model("AlbertForTokenClassification", num_labels=3)
    model.save_pretrained(tmp_path)
    return tmp_path, full_weights(model)


@pytest.mark.parametrize(
    "added",
    [
        CRF,
        {"classifier2.weight": torch.ones(3, 3), "classifier2.bias": torch.ones(3)},
        {"fc.weight": torch.ones(3, 32), "fc.bias": torch.ones(3)},
        {"albert.encoder.albert_layer_groups.0.albert_layers.0.adapter.weight": torch.ones(2, 2)},
        {"classifier.out_proj.weight": torch.ones(3, 32)},
        {"predictions.extra.bias": torch.ones(3)},
    ],
)
def test_weights_that_nothing_reads_are_all_named(tagger, added):
    folder, weights = tagger
    rewrite(folder, lambda tensors: tensors | added)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(folder)
    message = str(caught.value)
    for name, tensor in added.items():
        assert f"  - {name} {list(tensor.shape)}\n" in message
    assert message.count("  - ") == len(added)
    assert "--ignore-weights" in message
    assert "--rename" in message
    checkpoint = read_checkpoint(folder, ReadOptions(ignore=tuple(added)))
    assert_same(checkpoint.weights, weights)
    assert set(checkpoint.account.ignored) == set(added)


def test_patterns(tagger, caplog):
    folder, weights = tagger
    rewrite(folder, lambda tensors: tensors | CRF)
    with caplog.at_level(logging.WARNING, logger="albert_export"):
        assert_same(read_checkpoint(folder, ReadOptions.from_texts(ignore=["crf.*"])).weights, weights)
    assert "left out as asked: crf.end_transitions, crf.start_transitions, crf.transitions" in caplog.text


@pytest.mark.parametrize(
    ("architecture", "head", "new"),
    [
        ("AlbertForSequenceClassification", "classifier", "fc"),
        ("AlbertForQuestionAnswering", "qa_outputs", "head.out"),
        ("AlbertForTokenClassification", "classifier", "linear"),
    ],
)
@pytest.mark.parametrize("wrapper", ["", "module."])
def test_a_head_under_another_name(tmp_path, architecture, head, new, wrapper):
    model = hugging_face_model(architecture, num_labels=2)
    model.save_pretrained(tmp_path)
    tasks = read_checkpoint(tmp_path).tasks
    rewrite(
        tmp_path,
        lambda tensors: {wrapper + name.replace(f"{head}.", f"{new}."): tensor for name, tensor in tensors.items()},
    )
    with pytest.raises(CheckpointError, match=f"--rename {wrapper}{new}=classifier"):
        read_checkpoint(tmp_path)
    # The name in the file, and the name without the wrapper's prefix, are both understood.
    for old in {new, wrapper + new}:
        checkpoint = read_checkpoint(tmp_path, ReadOptions.from_texts([f"{old}={head}"]))
        assert_same(checkpoint.weights, full_weights(model))
        assert checkpoint.tasks == tasks


def test_an_encoder_under_a_name_of_no_pattern(tagger):
    folder, weights = tagger
    rewrite(folder, lambda tensors: {name.replace("albert.", "albert/"): tensor for name, tensor in tensors.items()})
    assert_same(read_checkpoint(folder, ReadOptions.from_texts(["albert/=albert."])).weights, weights)


def test_known_and_unneeded_weights_need_no_option(tmp_path, caplog):
    model = hugging_face_model("AlbertForPreTraining")
    model.save_pretrained(tmp_path)
    added = {
        "albert.embeddings.position_ids": torch.arange(24)[None],
        "albert.embeddings.token_type_ids": torch.zeros(1, 24, dtype=torch.int64),
        "predictions.decoder.weight": model.albert.embeddings.word_embeddings.weight.detach().clone(),
        "predictions.decoder.bias": model.predictions.bias.detach().clone(),
        "loss_fct.weight": torch.ones(2),
    }
    rewrite(tmp_path, lambda tensors: tensors | added)
    checkpoint = read_checkpoint(tmp_path)
    assert_same(checkpoint.weights, full_weights(model))
    assert set(checkpoint.account.unneeded) == set(added)
    assert checkpoint.tasks == ("feature-extraction", "pretraining", "fill-mask")
    assert not caplog.records


def test_a_pooler_that_question_answering_does_not_need(tmp_path):
    model = hugging_face_model("AlbertForQuestionAnswering")
    model.save_pretrained(tmp_path)
    rewrite(
        tmp_path,
        lambda tensors: tensors | {"albert.pooler.weight": torch.ones(32, 32), "albert.pooler.bias": torch.ones(32)},
    )
    checkpoint = read_checkpoint(tmp_path)
    expected = full_weights(model)
    shapes = {name: array.shape for name, array in expected.items()}
    assert_same(checkpoint.weights_for("qa", shapes), expected)


@pytest.mark.parametrize(
    ("rename", "ignore", "said"),
    [
        (["fc"], [], "'fc' is not OLD=NEW"),
        (["a=b=c", "=x"], [], "'=x' is not OLD=NEW"),
        (["head=classifier"], [], "--rename head=classifier: no name begins with head"),
        ([], ["crv.*"], "--ignore-weights 'crv.*': no name is like this"),
    ],
)
def test_options_that_are_written_wrongly(tagger, rename, ignore, said):
    folder, _ = tagger
    with pytest.raises(UsageError) as caught:
        read_checkpoint(folder, ReadOptions.from_texts(rename, ignore))
    assert said in str(caught.value)


def test_an_adapter_that_is_not_merged(tagger):
    folder, _ = tagger
    layer = "albert.encoder.albert_layer_groups.0.albert_layers.0.attention.query"
    rewrite(
        folder, lambda tensors: tensors | {f"{layer}.lora_{half}.default.weight": torch.ones(2, 2) for half in "AB"}
    )
    with pytest.raises(CheckpointError, match=r"LoRA adapter in its model: .*merge_and_unload"):
        read_checkpoint(folder)


def test_options_as_arguments():
    options = ReadOptions.from_texts(["fc=classifier"], ["crf.*", "x"])
    assert options.as_arguments() == [
        *("--rename", "fc=classifier"),
        *("--ignore-weights", "crf.*", "--ignore-weights", "x"),
    ]
