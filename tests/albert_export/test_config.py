"""AlbertConfig: it agrees with transformers, is written and read without loss, and lists all problems."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AlbertConfig as HuggingFaceConfig

from albert_export.config import ACTIVATIONS, PUBLISHED, AlbertConfig
from albert_runtime.errors import CheckpointError, UsageError

GOOGLE = {
    "attention_probs_dropout_prob": 0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0,
    "embedding_size": 128,
    "hidden_size": 768,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "num_hidden_groups": 1,
    "net_structure_type": 0,
    "gap_size": 0,
    "num_memory_blocks": 0,
    "inner_group_num": 1,
    "down_scale_factor": 1,
    "type_vocab_size": 2,
    "vocab_size": 30000,
}


def test_defaults_are_transformers_defaults():
    theirs = HuggingFaceConfig()
    ours = AlbertConfig()
    for field in dataclasses.fields(ours):
        if field.name not in ("extra", "num_labels"):
            assert getattr(ours, field.name) == getattr(theirs, field.name), field.name
    assert ours.num_labels == theirs.num_labels


def test_every_field_of_transformers_albert_config_is_a_field():
    theirs = json.loads(HuggingFaceConfig(num_labels=3).to_json_string())
    ours = AlbertConfig.from_dict(theirs)
    assert set(ours.extra) == {"transformers_version"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name):
    config = AlbertConfig.from_name(name)
    config.validate()
    size, version = name.split("-")[1:]
    layers, hidden, heads = {
        "base": (12, 768, 12),
        "large": (24, 1024, 16),
        "xlarge": (24, 2048, 16),
        "xxlarge": (12, 4096, 64),
    }[size]
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (layers, hidden, heads)
    assert config.intermediate_size == 4 * hidden
    assert (config.embedding_size, config.vocab_size, config.num_hidden_groups) == (128, 30000, 1)
    assert config.hidden_act == {"v1": "gelu", "v2": "gelu_new"}[version]
    assert config.hidden_dropout_prob == (0.1 if version == "v1" and size != "xxlarge" else 0)


def test_an_unknown_name_lists_the_known_names():
    with pytest.raises(UsageError, match=r"albert-base-v1.*albert-xxlarge-v2"):
        AlbertConfig.from_name("albert-huge-v1")


def test_num_labels_makes_labels():
    config = AlbertConfig(num_labels=3)
    assert config.id2label == {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"} == HuggingFaceConfig(num_labels=3).id2label
    assert config.label2id == HuggingFaceConfig(num_labels=3).label2id
    config.num_labels = 4
    assert config.num_labels == 4
    assert config.label2id["LABEL_3"] == 3
    config.id2label = {0: "no", 1: "yes"}
    assert config.num_labels == 2


def test_setting_the_same_number_keeps_the_labels():
    config = AlbertConfig(id2label={0: "no", 1: "yes"})
    config.num_labels = 2
    assert config.id2label == {0: "no", 1: "yes"}
    assert config.label2id == {"no": 0, "yes": 1}


def test_replace_keeps_the_labels():
    config = dataclasses.replace(AlbertConfig(id2label={0: "a", 1: "b", 2: "c"}), hidden_size=128)
    assert (config.num_labels, config.hidden_size) == (3, 128)


def test_num_labels_that_contradict_the_labels():
    with pytest.raises(UsageError, match=r"num_labels=3.*no, yes"):
        AlbertConfig(num_labels=3, id2label={0: "no", 1: "yes"})


@pytest.mark.parametrize(
    "config",
    [
        AlbertConfig(),
        AlbertConfig.from_name("albert-base-v1"),
        AlbertConfig(num_labels=5, problem_type="multi_label_classification", architectures=["AlbertModel"]),
        AlbertConfig(id2label={0: "bön", 1: "\ud800"}, tie_word_embeddings=False, pad_token_id=None),
        AlbertConfig(extra={"net_structure_type": 0, "nested": {"a": [1, None]}, "torch_dtype": "float32"}),
    ],
    ids=["defaults", "base-v1", "labels", "odd", "extra"],
)
def test_transformers_and_this_package_read_what_is_saved(config, tmp_path):
    config.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    assert AlbertConfig.from_folder(tmp_path) == config
    theirs = HuggingFaceConfig.from_pretrained(tmp_path)
    for field in dataclasses.fields(config):
        if field.name not in ("extra", "num_labels", "label2id"):
            assert getattr(theirs, field.name) == getattr(config, field.name), field.name
    assert theirs.label2id == config.label2id


def test_unknown_fields_are_written_back_as_they_were():
    values = {"model_type": "albert", "net_structure_type": 0, "my_field": {"x": [1.5, "ä"]}, "_name_or_path": "here"}
    written = AlbertConfig.from_dict(values).to_dict()
    assert {name: written[name] for name in values} == values


def test_google_gelu_is_the_tanh_form(tmp_path):
    (tmp_path / "albert_config.json").write_text(json.dumps(GOOGLE))
    config = AlbertConfig.from_folder(tmp_path)
    assert config.hidden_act == "gelu_new"
    assert config.hidden_size == 768
    assert set(config.extra) == {"net_structure_type", "gap_size", "num_memory_blocks", "down_scale_factor"}
    assert config.extra.items() <= config.to_dict().items()


def test_other_activations_of_google_stay():
    assert AlbertConfig.from_google_dict({**GOOGLE, "hidden_act": "relu"}).hidden_act == "relu"


def test_config_json_is_read_before_googles(tmp_path):
    (tmp_path / "albert_config.json").write_text(json.dumps(GOOGLE))
    (tmp_path / "config.json").write_text(json.dumps({**GOOGLE, "model_type": "albert"}))
    assert AlbertConfig.from_folder(tmp_path).hidden_act == "gelu"


def test_null_classifier_dropout_is_the_hidden_dropout():
    values = {"model_type": "albert", "classifier_dropout_prob": None, "hidden_dropout_prob": 0.25}
    assert AlbertConfig.from_dict(values).classifier_dropout_prob == 0.25


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation):
    AlbertConfig(hidden_act=activation).validate()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("hidden_size", "768", "hidden_size must be a positive whole number, not '768'"),
        ("hidden_size", 768.0, "not 768.0"),
        ("num_hidden_layers", True, "not True"),
        ("num_hidden_layers", 0, "not 0"),
        ("vocab_size", None, "not None"),
        ("num_attention_heads", 7, "hidden_size 4096 is not a multiple of num_attention_heads 7"),
        ("num_hidden_groups", 13, "num_hidden_groups 13 is more than num_hidden_layers 12"),
        ("hidden_act", "mish", "supported are gelu"),
        ("hidden_act", ["gelu"], "supported are gelu"),
        ("position_embedding_type", "relative_key", "supported is absolute"),
        ("layer_norm_eps", 0, "above 0"),
        ("layer_norm_eps", "1e-12", "not '1e-12'"),
        ("layer_norm_eps", None, "not None"),
        ("type_vocab_size", -1, "not -1"),
        ("pad_token_id", 30000, "not below vocab_size"),
        ("pad_token_id", [0, 1], "token id or null"),
        ("tie_word_embeddings", "yes", "true or false"),
        ("pruned_heads", {"0": [1]}, "pruned attention heads"),
        ("pruned_heads", {"0": [], "1": [3]}, "pruned attention heads"),
        ("position_embedding_type", None, "supported is absolute"),
        ("tie_word_embeddings", None, "true or false"),
        ("architectures", 3, "list of class names"),
        ("problem_type", "ranking", "regression"),
        ("id2label", {"0": "a", "2": "b"}, "without a gap"),
        ("id2label", {"a": "b"}, "without a gap"),
        ("id2label", "a, b", "must be an object"),
        ("label2id", {"a": "first"}, "whole numbers"),
        ("label2id", {"a": [0]}, "whole numbers"),
        ("label2id", {"a": 0, "b": 2}, "without a gap"),
        ("num_labels", "three", "num_labels must be"),
        ("num_labels", 0, "num_labels must be"),
    ],
)
def test_one_problem(field, value, said):
    with pytest.raises(CheckpointError) as caught:
        AlbertConfig.from_dict({"model_type": "albert", field: value}, source="here/config.json")
    message = str(caught.value)
    assert message.startswith("here/config.json does not describe an ALBERT")
    assert said in message
    assert message.count("\n") == 1, message


def test_the_groups_need_not_divide_the_layers():
    # transformers also accepts 5 layers in 2 groups.
    AlbertConfig(num_hidden_layers=5, num_hidden_groups=2).validate()


def test_all_problems_at_once():
    values = {"model_type": "albert", "hidden_size": "768", "embedding_size": 0, "hidden_act": "mish", "id2label": 3}
    with pytest.raises(CheckpointError) as caught:
        AlbertConfig.from_dict(values)
    assert str(caught.value).count("\n  - ") == 4


def test_the_constructor_leaves_checking_to_validate():
    config = AlbertConfig(hidden_size=10, num_attention_heads=3, layer_norm_eps=-1)
    with pytest.raises(CheckpointError, match=r"(?s)multiple.*layer_norm_eps"):
        config.validate()


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 40) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["0", "1", "x"]), inner, max_size=2),
    max_leaves=4,
)
_names = st.sampled_from([*json.loads(HuggingFaceConfig(num_labels=3).to_json_string()), "num_labels", "problem_type"])


@settings(max_examples=60, deadline=None)
@given(values=st.dictionaries(_names, _json, max_size=6))
def test_any_json_is_read_or_refused(values):
    try:
        config = AlbertConfig.from_dict({**values, "model_type": "albert"})
    except CheckpointError:
        return
    assert AlbertConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_no_configuration(tmp_path):
    with pytest.raises(CheckpointError, match=r"has no config.json \(nor Google's albert_config.json\)"):
        AlbertConfig.from_folder(tmp_path)


def test_save_replaces_whole_files_only(tmp_path, monkeypatch):
    AlbertConfig(hidden_size=64).save(tmp_path)
    before = (tmp_path / "config.json").read_bytes()

    def full_disk(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(UsageError, match="No space left on device"):
        AlbertConfig(hidden_size=128).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
    assert (tmp_path / "config.json").read_bytes() == before


def test_importing_it_loads_no_framework():
    code = "import sys, albert_export.config; print([m for m in ('torch', 'tensorflow', 'numpy') if m in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.strip() == "[]"
