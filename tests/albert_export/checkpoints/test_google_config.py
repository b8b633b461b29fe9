"""Google's configuration under any name: its fields have Google's meaning, and what is missing is named."""

from __future__ import annotations

import json

import pytest

from albert_export.checkpoints.google_config import google_config_file, read_google_config
from albert_runtime.errors import CheckpointError

CONFIG = {
    "hidden_act": "gelu",
    "embedding_size": 16,
    "hidden_size": 32,
    "intermediate_size": 37,
    "max_position_embeddings": 24,
    "num_attention_heads": 4,
    "num_hidden_layers": 4,
    "num_hidden_groups": 1,
    "inner_group_num": 1,
    "type_vocab_size": 2,
    "vocab_size": 50,
}


def write(folder, name, **changes):
    values = {key: value for key, value in {**CONFIG, **changes}.items() if value is not None}
    (folder / name).write_text(json.dumps(values))


@pytest.mark.parametrize("name", ["albert_config.json", "config.json", "albert_base_config.json", "bert_config.json"])
def test_any_name(tmp_path, name):
    write(tmp_path, name)
    (tmp_path / "tokenizer_config.json").write_text("{}")
    (tmp_path / "results.json").write_text("[1")
    config = read_google_config(tmp_path)
    assert config.hidden_size == 32
    assert config.hidden_act == "gelu_new"


@pytest.mark.parametrize(
    ("model_type", "act", "read"),
    [
        (None, "gelu", "gelu_new"),
        ("albert", "gelu", "gelu"),
        ("albert", "gelu_new", "gelu_new"),
        (None, "relu", "relu"),
    ],
)
def test_googles_gelu_is_the_tanh_form(tmp_path, model_type, act, read):
    write(tmp_path, "config.json", model_type=model_type, hidden_act=act)
    assert read_google_config(tmp_path).hidden_act == read


def test_which_of_two_is_read(tmp_path):
    write(tmp_path, "config.json", hidden_size=64)
    write(tmp_path, "albert_config.json")
    assert google_config_file(tmp_path).name == "albert_config.json"
    # Someone has written Hugging Face's file beside it, perhaps with the names of labels.
    write(tmp_path, "config.json", model_type="albert")
    assert google_config_file(tmp_path).name == "config.json"


def test_several_others_are_not_chosen_from(tmp_path):
    for name in ("base.json", "large.json"):
        write(tmp_path, name)
    with pytest.raises(CheckpointError, match=r"several configurations, base\.json, large\.json; rename the one"):
        read_google_config(tmp_path)


def test_no_configuration(tmp_path):
    (tmp_path / "results.json").write_text('{"f1": 90}')
    assert google_config_file(tmp_path) is None
    with pytest.raises(CheckpointError, match=r"has no albert_config\.json"):
        read_google_config(tmp_path)


def test_a_berts_configuration(tmp_path):
    write(tmp_path, "bert_config.json", embedding_size=None, num_hidden_groups=None, inner_group_num=None)
    with pytest.raises(CheckpointError, match=r"bert_config\.json has no embedding_size and no num_hidden_groups"):
        read_google_config(tmp_path)
