"""Configuration files of others: labels in all their forms, other models, and damaged files."""

from __future__ import annotations

from typing import Any

import pytest

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
    ],
)
def test_labels_in_a_file(values, labels):
    config = AlbertConfig.from_dict({"model_type": "albert", **values})
    assert [config.id2label[i] for i in range(config.num_labels)] == labels


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
