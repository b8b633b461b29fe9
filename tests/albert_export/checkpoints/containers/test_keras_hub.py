from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from albert_export.checkpoints.checkpoint import find_vocabulary
from albert_export.checkpoints.containers.keras_hub import (
    is_keras_hub,
    keras_hub_config,
    read_keras_hub,
)
from albert_export.checkpoints.number_formats import as_float32, float_format
from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError, DependencyError, UnsupportedError
from tests.albert_export.checkpoints.containers.framework_files import (
    FIXTURES,
    assert_fixture,
    describe,
    fixture_names,
    model_weights,
    outputs_of,
    without_package,
    write_keras_hub,
)
from tests.albert_export.checkpoints.transformers_checkpoint import assert_same
from tests.fixtures.frameworks.make import MASK, SIZES

CLASSIFIER = FIXTURES / "keras_hub" / "classifier"
OUTPUTS = FIXTURES / "keras_hub" / "outputs.npz"
ARCHITECTURES = ("AlbertModel", "AlbertForSequenceClassification", "AlbertForMaskedLM")


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    """A preset with a classifier that KerasHub wrote, which each test may change."""
    shutil.copytree(CLASSIFIER, tmp_path / "preset")
    return tmp_path / "preset"


@pytest.fixture
def masked_lm(classifier: Path) -> Path:
    """A preset with the head of a masked language model that KerasHub wrote; it has the same backbone."""
    shutil.copytree(FIXTURES / "keras_hub" / "masked_lm", classifier, dirs_exist_ok=True)
    return classifier


def refused(folder: Path, *said: str, error: type[Exception] = CheckpointError) -> None:
    with pytest.raises(error) as caught:
        list(read_keras_hub(folder))
    for words in said:
        assert words in str(caught.value)


def set_config(folder: Path, **fields: object) -> None:
    """Set fields of the description of the backbone."""
    value = json.loads((folder / "config.json").read_text())
    value["config"] |= fields
    (folder / "config.json").write_text(json.dumps(value))


def test_the_classifier_of_keras_hub(classifier: Path):
    weights, config = dict(read_keras_hub(classifier)), keras_hub_config(classifier)
    expected = AlbertConfig(
        **SIZES,
        hidden_act="gelu_new",
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        num_labels=3,
        architectures=["AlbertForSequenceClassification"],
    )
    assert config == expected
    shapes = {"classifier.weight": (3, 8), "classifier.bias": (3,)}
    assert {name: array.shape for name, array in weights.items() if name in shapes} == shapes
    assert_fixture(weights, fixture_names("AlbertForSequenceClassification"))
    outputs, right = outputs_of("AlbertModel", config, _encoder(weights)), np.load(OUTPUTS)
    real = MASK.astype(bool)
    np.testing.assert_allclose(outputs.last_hidden_state[real], right["sequence_output"][real], atol=1e-5)
    np.testing.assert_allclose(outputs.pooler_output, right["pooled_output"], atol=1e-5)
    outputs = outputs_of("AlbertForSequenceClassification", config, weights)
    np.testing.assert_allclose(outputs.logits, right["logits"], atol=1e-5)


def test_the_masked_lm_of_keras_hub(masked_lm: Path, caplog: pytest.LogCaptureFixture):
    weights, config = dict(read_keras_hub(masked_lm)), keras_hub_config(masked_lm)
    assert config.architectures == ["AlbertForMaskedLM"]
    assert "adds 1e-5 to the variance in the head of AlbertMaskedLM" in caplog.text
    assert_fixture(weights, fixture_names("AlbertForMaskedLM") | {"albert.pooler.weight", "albert.pooler.bias"})
    right, real = np.load(OUTPUTS)["predictions"], MASK.astype(bool)
    as_keras_hub = outputs_of("AlbertForMaskedLM", config, weights, head_eps=1e-5)
    # KerasHub computed the scores, up to 8, on another processor; they were seen to differ by 7.5e-6 of themselves.
    np.testing.assert_allclose(as_keras_hub.logits[real], right[real], rtol=1e-5, atol=1e-5)
    outputs = outputs_of("AlbertForMaskedLM", config, weights)
    np.testing.assert_allclose(outputs.logits[real], right[real], atol=1e-2)


def _encoder(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in weights.items() if name.startswith("albert.")}


@pytest.mark.parametrize("inner", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_head(architecture: str, groups: int, inner: int, tmp_path: Path):
    weights = model_weights(architecture, groups, inner)
    write_keras_hub(tmp_path, weights, groups, inner)
    assert_same(dict(read_keras_hub(tmp_path)), weights)
    config = keras_hub_config(tmp_path)
    assert (config.num_hidden_groups, config.inner_group_num) == (groups, inner)
    assert config.architectures == [architecture]
    assert config.classifier_dropout_prob == (0.25 if architecture == "AlbertForSequenceClassification" else 0.1)


def test_an_older_preset(classifier: Path):
    """KerasNLP with Keras 2 had other names for the package, the classifier and parts of the layers."""
    weights = model_weights("AlbertForSequenceClassification", 1, 1)
    write_keras_hub(classifier, weights, 1, 1, layers="_layer_checkpoint_dependencies")
    with h5py.File(classifier / "model.weights.h5", "a") as file:
        layer = file["_layer_checkpoint_dependencies/transformer_encoder"]
        layer.move("_self_attention_layer/query_dense", "_self_attention_layer/_query_dense")
        layer.move("_feedforward_layer_norm", "_feedforward_layernorm")
    for name, described in (("config.json", "AlbertBackbone"), ("task.json", "AlbertClassifier")):
        config = json.loads((classifier / name).read_text())["config"]
        describe(classifier / name, described, config, package="keras_nlp")
    assert_same(dict(read_keras_hub(classifier)), weights)
    assert keras_hub_config(classifier).num_labels == 2


def test_bfloat16(classifier: Path):
    """Keras stores bfloat16 as two bytes without a meaning, and an attribute."""
    with h5py.File(classifier / "task.weights.h5", "a") as file:
        del file["layers/dense/vars/1"]
        bits = np.array([0x3F80, 0xC020, 0], "<u2").view("V2")
        file.create_dataset("layers/dense/vars/1", data=bits).attrs["dtype"] = "bfloat16"
    stored = dict(read_keras_hub(classifier))["classifier.bias"]
    assert float_format(stored.dtype) == "bfloat16"
    bias = as_float32(stored)
    assert (bias.dtype, bias.tolist()) == (np.float32, [1, -2.5, 0])


def test_a_weight_that_no_albert_has_keeps_its_path(classifier: Path):
    with h5py.File(classifier / "task.weights.h5", "a") as file:
        file["layers/crf/vars/0"] = np.ones((2, 2), np.float32)
    assert "crf.0" in dict(read_keras_hub(classifier))


def test_sigmoid_outputs_mean_several_labels(classifier: Path):
    task = json.loads((classifier / "task.json").read_text())
    task["config"]["activation"] = "sigmoid"
    (classifier / "task.json").write_text(json.dumps(task))
    assert keras_hub_config(classifier).problem_type == "multi_label_classification"


def test_vocabulary(classifier: Path):
    assert find_vocabulary(classifier) is None
    (classifier / "assets" / "tokenizer").mkdir(parents=True)
    (classifier / "assets" / "tokenizer" / "vocabulary.spm").write_bytes(b"x")
    assert find_vocabulary(classifier) == classifier / "assets" / "tokenizer" / "vocabulary.spm"


def test_which_folders_are_presets(classifier: Path, tmp_path: Path):
    assert is_keras_hub(classifier)
    assert not is_keras_hub(tmp_path)
    AlbertConfig().save(tmp_path)
    assert not is_keras_hub(tmp_path)
    refused(tmp_path, "config.json describes None; supported are AlbertBackbone of keras_hub")


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_missing_file(name: str, classifier: Path):
    (classifier / name).unlink()
    refused(classifier, name)


def test_another_model(classifier: Path):
    describe(classifier / "config.json", "BertBackbone", {})
    refused(classifier, "describes 'keras_hub>BertBackbone'; supported are AlbertBackbone of keras_hub")


def test_another_task(classifier: Path):
    describe(classifier / "task.json", "AlbertTokenTagger", {})
    refused(classifier, "AlbertTokenTagger; supported are AlbertTextClassifier", error=UnsupportedError)


def test_wrong_sizes_are_all_named(classifier: Path):
    set_config(classifier, num_heads=None, hidden_dim="8")
    refused(classifier, "num_heads must be a whole number, not None", "hidden_dim must be a whole number, not '8'")


def test_sizes_that_no_albert_has(classifier: Path):
    set_config(classifier, num_heads=3)
    refused(classifier, "hidden_size 8 is not a multiple of num_attention_heads 3")


def test_no_repetitions(classifier: Path):
    set_config(classifier, num_inner_repetitions=0)
    refused(classifier, "inner_group_num must be a positive whole number, not 0")


@pytest.mark.parametrize("name", ["config.json", "task.json", "model.weights.h5", "task.weights.h5"])
@pytest.mark.parametrize("kept", [0, 10, -1])
def test_truncated(name: str, kept: int, classifier: Path):
    (classifier / name).write_bytes((classifier / name).read_bytes()[:kept])
    refused(classifier, name, "fetch it again")


def test_no_weights(classifier: Path):
    with h5py.File(classifier / "model.weights.h5", "w") as file:
        file.create_group("notes")
    refused(classifier, "holds no weights of Keras: it has notes")


def test_without_h5py(classifier: Path, monkeypatch: pytest.MonkeyPatch):
    without_package(monkeypatch, "h5py")
    with pytest.raises(DependencyError, match=r"needs h5py .*pip install 'albert-export\[other-frameworks\]'"):
        next(read_keras_hub(classifier))
