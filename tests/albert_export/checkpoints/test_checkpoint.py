"""Checkpoint: its tasks, the weights, labels and vocabulary for them, and what is refused."""

from __future__ import annotations

import logging

import pytest
import torch
import transformers
from safetensors.numpy import save_file

from albert_export.checkpoints import read_checkpoint
from albert_runtime.errors import CheckpointError, UnsupportedError
from albert_runtime.tasks import TASKS, find_task
from tests.albert_export.checkpoints.transformers_checkpoint import (
    SERVED,
    assert_same,
    full_weights,
    hugging_face_model,
    rewrite,
    set_config,
    shapes_of,
)

#: the tasks of a classifier beside a pooler, if the configuration does not name its class
EITHER = ("text-classification", "token-classification")


@pytest.mark.parametrize("architecture", SERVED)
def test_weights_for_every_task_of_a_checkpoint(tmp_path, architecture):
    model = hugging_face_model(architecture)
    model.save_pretrained(tmp_path)
    expected = full_weights(model)
    task = next(task for task in TASKS.values() if task.architecture == architecture)
    for name in (task.name, *task.aliases):
        assert_same(read_checkpoint(tmp_path).weights_for(name, shapes_of(expected)), expected)


def test_a_decoder_that_repeats_the_embedding_is_dropped(tmp_path, caplog):
    model = hugging_face_model("AlbertForMaskedLM")
    model.save_pretrained(tmp_path)
    embedding = "albert.embeddings.word_embeddings.weight"
    rewrite(
        tmp_path,
        lambda tensors: (
            tensors
            | {
                "predictions.decoder.weight": tensors[embedding].clone(),
                "predictions.decoder.bias": tensors["predictions.bias"].clone(),
            }
        ),
    )
    assert_same(read_checkpoint(tmp_path).weights, full_weights(model))
    assert not caplog.records


def test_a_decoder_that_differs_is_treated_as_in_transformers(tmp_path, caplog):
    hugging_face_model("AlbertForMaskedLM").save_pretrained(tmp_path)
    rewrite(
        tmp_path,
        lambda tensors: (
            tensors
            | {"predictions.decoder.weight": torch.ones(50, 16), "predictions.decoder.bias": torch.full((50,), 5.0)}
        ),
    )
    theirs = transformers.AlbertForMaskedLM.from_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING, logger="albert_export"):
        weights = read_checkpoint(tmp_path).weights
    assert torch.equal(theirs.predictions.decoder.bias, torch.from_numpy(weights["predictions.bias"]))
    assert torch.equal(
        theirs.predictions.decoder.weight, torch.from_numpy(weights["albert.embeddings.word_embeddings.weight"])
    )
    assert "predictions.decoder.weight" not in weights
    assert len(caplog.records) == 2


def test_an_untied_decoder_is_refused_only_for_tasks_that_need_it(tmp_path):
    model = hugging_face_model("AlbertForPreTraining")
    model.save_pretrained(tmp_path)
    set_config(tmp_path, tie_word_embeddings=False)
    rewrite(tmp_path, lambda tensors: tensors | {"predictions.decoder.weight": torch.ones(50, 16)})
    checkpoint = read_checkpoint(tmp_path)
    shapes = shapes_of(full_weights(model))
    with pytest.raises(CheckpointError, match=r"left over: predictions.decoder.weight.*tie_word_embeddings is false"):
        checkpoint.weights_for("pretraining", shapes)
    bare = {name: shape for name, shape in shapes.items() if name.startswith("albert.")}
    assert set(checkpoint.weights_for("feature-extraction", bare)) == set(bare)


@pytest.mark.parametrize(
    ("architecture", "settings", "tasks"),
    [
        ("AlbertForTokenClassification", {"num_labels": 3}, ("feature-extraction", "token-classification")),
        ("AlbertForSequenceClassification", {"num_labels": 3}, ("feature-extraction", *EITHER)),
        ("AlbertForMultipleChoice", {}, ("feature-extraction", *EITHER, "multiple-choice")),
    ],
)
def test_a_classifier_without_architectures(tmp_path, architecture, settings, tasks):
    hugging_face_model(architecture, **settings).save_pretrained(tmp_path)
    set_config(tmp_path, architectures=None)
    assert read_checkpoint(tmp_path).tasks == tasks


def test_labels_come_from_the_classifier_if_the_configuration_names_none(tmp_path):
    hugging_face_model(num_labels=5).save_pretrained(tmp_path)
    set_config(tmp_path, id2label=None, label2id=None)
    config = read_checkpoint(tmp_path).config
    assert list(config.id2label.values()) == [f"LABEL_{i}" for i in range(5)]


def test_labels_that_contradict_the_classifier(tmp_path):
    hugging_face_model(num_labels=5).save_pretrained(tmp_path)
    set_config(tmp_path, id2label={"0": "no", "1": "yes"}, label2id={"no": 0, "yes": 1})
    with pytest.raises(CheckpointError, match=r"2 labels \(no, yes\), but classifier.weight has 5 rows"):
        read_checkpoint(tmp_path)


def test_multiple_choice_has_one_row_for_any_number_of_labels(tmp_path):
    hugging_face_model("AlbertForMultipleChoice", num_labels=4).save_pretrained(tmp_path)
    assert read_checkpoint(tmp_path).config.num_labels == 4


def test_a_missing_head_is_refused(tmp_path):
    hugging_face_model("AlbertForPreTraining").save_pretrained(tmp_path)
    shapes = shapes_of(full_weights(hugging_face_model("AlbertForQuestionAnswering")))
    with pytest.raises(UnsupportedError) as caught:
        read_checkpoint(tmp_path).weights_for("qa", shapes)
    assert caught.value.exit_code == 3
    for said in ("question-answering", "feature-extraction, pretraining, fill-mask", "sensitivity take --allow-random"):
        assert said in str(caught.value)


def test_a_random_head_on_request(tmp_path, caplog):
    hugging_face_model("AlbertForPreTraining").save_pretrained(tmp_path)
    shapes = shapes_of(full_weights(hugging_face_model("AlbertForQuestionAnswering")))
    with caplog.at_level(logging.WARNING, logger="albert_export"):
        weights = read_checkpoint(tmp_path).weights_for("qa", shapes, allow_random_head=True)
    assert set(shapes) - set(weights) == {"qa_outputs.weight", "qa_outputs.bias"}
    assert "qa_outputs.weight, qa_outputs.bias keep random" in caplog.text


def test_embeddings_need_no_pooler(tmp_path):
    hugging_face_model("AlbertForMaskedLM").save_pretrained(tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    assert "feature-extraction" in checkpoint.tasks
    task = find_task("feature-extraction")
    assert list(checkpoint.available(task).outputs) == ["last_hidden_state"]
    hugging_face_model("AlbertForPreTraining").save_pretrained(tmp_path)
    assert read_checkpoint(tmp_path).available(task) == task


@pytest.mark.parametrize("architecture", ["AlbertForMaskedLM", "AlbertForSequenceClassification"])
def test_embeddings_that_are_padded_to_a_round_number(tmp_path, architecture):
    """There are more rows than pieces: 50 of them, and 14 that no token has."""
    model = hugging_face_model(architecture)
    model.resize_token_embeddings(pad_to_multiple_of=64, mean_resizing=False)
    model.save_pretrained(tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.config.vocab_size == 64
    assert_same(checkpoint.weights, full_weights(model))
    assert checkpoint.weights["albert.embeddings.word_embeddings.weight"].shape == (64, 16)


def test_half_of_a_pooler_is_an_error(tmp_path):
    model = hugging_face_model("AlbertModel")
    weights = full_weights(model)
    del weights["albert.pooler.bias"]
    model.config.save_pretrained(tmp_path)
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"missing: albert\.pooler\.bias"):
        read_checkpoint(tmp_path).weights_for("feature-extraction", shapes_of(full_weights(model)))


def test_a_random_head_does_not_use_another_tasks_classifier(tmp_path):
    hugging_face_model("AlbertForSequenceClassification").save_pretrained(tmp_path)
    shapes = shapes_of(full_weights(hugging_face_model("AlbertForTokenClassification")))
    weights = read_checkpoint(tmp_path).weights_for("ner", shapes, allow_random_head=True)
    assert not any(name.startswith("classifier.") for name in weights)


def test_missing_left_over_and_misshapen_weights_are_reported_together(tmp_path):
    hugging_face_model("AlbertForQuestionAnswering", num_hidden_groups=2).save_pretrained(tmp_path)
    set_config(tmp_path, num_hidden_groups=1)
    rewrite(
        tmp_path,
        lambda tensors: {
            name: torch.zeros(3) if name == "qa_outputs.bias" else tensor
            for name, tensor in tensors.items()
            if name != "albert.embeddings.LayerNorm.bias"
        },
    )
    shapes = shapes_of(full_weights(hugging_face_model("AlbertForQuestionAnswering")))
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path).weights_for("qa", shapes, allow_random_head=True)
    message = str(caught.value)
    assert "missing: albert.embeddings.LayerNorm.bias [16]" in message
    assert "another shape: qa_outputs.bias is [3], and must be [2]" in message
    assert message.count("left over: albert.encoder.albert_layer_groups.1.") == 16
    assert message.count("\n") == 18


@pytest.mark.parametrize("name", ["spiece.model", "30k-clean.model", "mine.model"])
def test_the_vocabulary_is_found(tmp_path, name):
    hugging_face_model().save_pretrained(tmp_path)
    (tmp_path / name).write_bytes(b"pieces")
    assert read_checkpoint(tmp_path).vocab_file == tmp_path / name


def test_the_usual_vocabulary_is_preferred_and_unknown_ones_are_not_guessed(tmp_path):
    hugging_face_model().save_pretrained(tmp_path)
    for name in ("a.model", "b.model"):
        (tmp_path / name).write_bytes(b"pieces")
    assert read_checkpoint(tmp_path).vocab_file is None
    (tmp_path / "spiece.model").write_bytes(b"pieces")
    assert read_checkpoint(tmp_path).vocab_file == tmp_path / "spiece.model"
