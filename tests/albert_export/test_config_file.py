"""Configuration files of others: labels in all their forms, other models, and damaged files."""

from __future__ import annotations

import json
from typing import Any

import pytest
import transformers

from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ({"id2label": {"0": "neg", "1": "pos", "2": "so"}}, ["neg", "pos", "so"]),
        ({"id2label": {"1": "pos", "0": "neg"}, "num_labels": 2}, ["neg", "pos"]),
        ({"label2id": {"neg": 0, "pos": 1, "so": 2}}, ["neg", "pos", "so"]),
        ({"id2label": {"0": 7, "1": 8}}, ["7", "8"]),
        ({"id2label": None, "label2id": None, "_num_labels": 1}, ["LABEL_0"]),
        ({"id2label": ["neg", "pos"]}, ["neg", "pos"]),
        ({"label2id": {"neg": "0", "pos": "1"}}, ["neg", "pos"]),
        ({"label2id": ["neg", "pos"]}, ["neg", "pos"]),
        ({"id2label": {"0": "neg", "1": "pos"}, "label2id": {"neg": "first"}}, ["neg", "pos"]),
        ({"id2label": {"0": "neg", "1": "pos"}, "label2id": 3, "num_labels": None}, ["neg", "pos"]),
        ({"id2label": {"0": "neg", "1": "pos"}, "num_labels": 3}, ["neg", "pos"]),
        ({"num_labels": "3"}, ["LABEL_0", "LABEL_1", "LABEL_2"]),
    ],
)
def test_labels_in_a_file(values, labels):
    config = AlbertConfig.from_dict({"model_type": "albert", **values})
    assert [config.id2label[i] for i in range(config.num_labels)] == labels


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("hidden_dropout_prob", None, 0),
        ("hidden_dropout_prob", 1, 0),
        ("hidden_dropout_prob", float("nan"), 0),
        ("attention_probs_dropout_prob", -0.1, 0),
        ("classifier_dropout_prob", "0.25", 0.25),
        ("classifier_dropout_prob", "little", 0.1),
        ("initializer_range", None, 0.02),
        ("initializer_range", float("inf"), 0.02),
        ("pad_token_id", -1, None),
        ("pad_token_id", "0", 0),
        ("pad_token_id", [5], 5),
        ("bos_token_id", -1, None),
        ("bos_token_id", None, None),
        ("eos_token_id", [3, 106], [3, 106]),
        ("eos_token_id", [], None),
        ("eos_token_id", "[SEP]", None),
        ("output_attentions", None, False),
        ("output_hidden_states", 1, True),
        ("return_dict", None, True),
        ("architectures", "AlbertModel", ["AlbertModel"]),
        ("architectures", [None, "AlbertModel"], ["AlbertModel"]),
        ("architectures", [], None),
        ("pruned_heads", None, {}),
        ("pruned_heads", [], {}),
        ("pruned_heads", {"0": [], "3": []}, {}),
    ],
)
def test_what_no_exported_model_computes_with_keeps_nobody_from_exporting(tmp_path, field, value, read):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "albert", "hidden_size": 64, field: value}))
    config = AlbertConfig.from_folder(tmp_path)
    assert getattr(config, field) == read
    config.save(tmp_path)
    assert AlbertConfig.from_folder(tmp_path) == config
    # Hugging Face opens what is written, and reads the same there.
    theirs = transformers.AlbertConfig.from_pretrained(tmp_path)
    assert getattr(theirs, field, None) == read
    transformers.AlbertModel(theirs)


@pytest.mark.parametrize("field", ["torch_dtype", "use_cache", "transformers_version", "finetuning_task", "gap_size"])
def test_unknown_fields_stay_as_they_are(field):
    config = AlbertConfig.from_dict({"model_type": "albert", field: "float16"})
    assert config.to_dict()[field] == "float16"


def test_a_dropout_without_meaning_is_named(caplog):
    AlbertConfig.from_dict({"model_type": "albert", "hidden_dropout_prob": 1.5}, source="config.json")
    assert "config.json: hidden_dropout_prob is 1.5; 0 is written instead" in caplog.text


def test_the_classifier_tells_which_number_of_labels_is_right():
    stated = {"model_type": "albert", "id2label": {"0": "neg", "1": "pos"}, "num_labels": 3}
    more = AlbertConfig.from_dict(stated)
    more.adopt_label_count(3)
    assert more.to_dict()["id2label"] == {"0": "neg", "1": "pos", "2": "LABEL_2"}
    assert more.label2id == {"neg": 0, "pos": 1, "LABEL_2": 2}
    as_named = AlbertConfig.from_dict(stated)
    as_named.adopt_label_count(2)
    assert (as_named.num_labels, "num_labels" in as_named.to_dict()) == (2, False)
    # neither the names nor the number: nothing is made up
    neither = AlbertConfig.from_dict(stated)
    neither.adopt_label_count(4)
    assert neither.num_labels == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model_type": "bert", "hidden_size": 768}, "is a BERT checkpoint's: only ALBERT"),
        ({"model_type": "roberta"}, "is a ROBERTA checkpoint's"),
        ({"architectures": ["BertModel"]}, "names BertModel"),
        ({"hidden_size": 768}, "names no model"),
        ({}, "names no model"),
    ],
)
def test_other_models_are_refused(values: dict[str, Any], said):
    with pytest.raises(CheckpointError, match=said):
        AlbertConfig.from_dict(values)


def test_a_file_without_model_type_may_be_an_albert():
    assert AlbertConfig.from_dict({"architectures": ["AlbertModel"]}).hidden_size == 4096
    assert (
        AlbertConfig.from_dict({"embedding_size": 128, "num_hidden_groups": 1, "hidden_size": 768}).hidden_size == 768
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"{", "not JSON"),
        (b'{"model_type": "\xff"}', "not JSON in UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b"[1, 2]", "holds a list"),
        (b"null", "holds a NoneType"),
    ],
    ids=["empty", "cut", "latin-1", "deep", "list", "null"],
)
def test_damaged_files(tmp_path, content, said):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=said):
        AlbertConfig.from_folder(tmp_path)


def test_a_byte_order_mark_is_accepted(tmp_path):
    (tmp_path / "config.json").write_bytes(b'\xef\xbb\xbf{"model_type": "albert"}')
    assert AlbertConfig.from_folder(tmp_path) == AlbertConfig()
