"""Which task a checkpoint is exported for: what its classifier is for, if the configuration does not say."""

from __future__ import annotations

import logging

import pytest
import torch
import transformers

from albert_export.checkpoints import read_checkpoint
from albert_export.checkpoints.checkpoint import choose_task, default_task
from albert_export.reference.registry import build_reference
from albert_runtime.errors import UnsupportedError, UsageError
from tests.albert_export.checkpoints.transformers_checkpoint import (
    assert_same,
    full_weights,
    hugging_face_model,
    rewrite,
    set_config,
    shapes_of,
)

POOLER = {"albert.pooler.weight": torch.ones(32, 32), "albert.pooler.bias": torch.ones(32)}
TAGS = {"0": "O", "1": "B-PER", "2": "I-PER"}


def save_tagger(folder, architectures, **fields):
    """Saves a token classifier with a pooler, as old versions of transformers do; returns its weights."""
    model = hugging_face_model("AlbertForTokenClassification", num_labels=3)
    model.save_pretrained(folder)
    set_config(folder, **{"architectures": architectures, "id2label": None, "label2id": None, **fields})
    rewrite(folder, lambda tensors: tensors | POOLER)
    return full_weights(model)


@pytest.mark.parametrize("architectures", [None, [], ["AlbertModel"], ["AlbertForMaskedLM"], ["MyTagger"]])
def test_a_token_classifier_with_a_pooler(tmp_path, architectures, caplog):
    weights = save_tagger(tmp_path, architectures)
    checkpoint = read_checkpoint(tmp_path)
    assert {"text-classification", "token-classification"} <= set(checkpoint.tasks)
    with pytest.raises(UsageError, match="--task token-classification"):
        default_task(checkpoint)
    with caplog.at_level(logging.WARNING, logger="albert_export"):
        task = choose_task(checkpoint, "ner")
    assert task.name == "token-classification"
    assert (
        "read as the head for token-classification, as asked; it could also be for text-classification" in caplog.text
    )
    assert_same(checkpoint.weights_for("ner", shapes_of(weights), allow_random_head=True), weights)
    assert checkpoint.labels_for("token-classification") == ("LABEL_0", "LABEL_1", "LABEL_2")


def test_the_trained_classifier_computes_as_in_transformers(tmp_path):
    save_tagger(tmp_path, None)
    model = build_reference(read_checkpoint(tmp_path), "ner", allow_random_head=True)
    theirs = transformers.AlbertForTokenClassification.from_pretrained(tmp_path, num_labels=3).eval()
    ids = torch.randint(5, 50, (2, 7), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits, theirs(ids).logits, rtol=1e-5, atol=1e-4)


def test_labels_of_entities_decide(tmp_path):
    save_tagger(tmp_path, None, id2label=TAGS, label2id={tag: int(i) for i, tag in TAGS.items()})
    assert default_task(read_checkpoint(tmp_path)).name == "token-classification"


def test_a_problem_type_decides(tmp_path):
    save_tagger(tmp_path, None, problem_type="single_label_classification")
    assert default_task(read_checkpoint(tmp_path)).name == "text-classification"


def test_the_architecture_decides(tmp_path, caplog):
    save_tagger(tmp_path, ["AlbertForTokenClassification"])
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.tasks == ("feature-extraction", "token-classification")
    assert default_task(checkpoint) == choose_task(checkpoint, None)
    with pytest.raises(UnsupportedError, match="has no head for text-classification"):
        checkpoint.refuse_no_head("text-classification")
    assert not caplog.records


def test_a_random_head_says_which_trained_head_it_replaces(tmp_path, caplog):
    save_tagger(tmp_path, ["AlbertForTokenClassification"])
    shapes = shapes_of(full_weights(hugging_face_model("AlbertForSequenceClassification", num_labels=3)))
    with caplog.at_level(logging.WARNING, logger="albert_export"):
        weights = read_checkpoint(tmp_path).weights_for("cls", shapes, allow_random_head=True)
    assert "classifier.weight" not in weights
    assert "the trained head that is there, for token-classification, is not used" in caplog.text


def test_a_single_row_may_also_score_choices(tmp_path):
    hugging_face_model("AlbertForMultipleChoice").save_pretrained(tmp_path)
    set_config(tmp_path, architectures=["AlbertModel"])
    checkpoint = read_checkpoint(tmp_path)
    with pytest.raises(UsageError, match="--task multiple-choice"):
        default_task(checkpoint)
    assert choose_task(checkpoint, "mc").name == "multiple-choice"


@pytest.mark.parametrize("architectures", [None, ["AlbertModel"], ["AlbertForPreTraining"]])
def test_a_head_that_was_trained_later_counts_more_than_the_class_of_the_base_model(tmp_path, architectures):
    hugging_face_model("AlbertForQuestionAnswering").save_pretrained(tmp_path)
    set_config(tmp_path, architectures=architectures)
    assert default_task(read_checkpoint(tmp_path)).name == "question-answering"


def test_a_pretrained_model_keeps_its_class(tmp_path):
    hugging_face_model("AlbertForPreTraining").save_pretrained(tmp_path)
    for architecture, task in (
        ("AlbertModel", "feature-extraction"),
        ("AlbertForMaskedLM", "fill-mask"),
        ("AlbertForPreTraining", "pretraining"),
    ):
        set_config(tmp_path, architectures=[architecture])
        assert default_task(read_checkpoint(tmp_path)).name == task
