from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.keras.protobuf.saved_metadata_pb2 import SavedMetadata

from albert_export.checkpoints.containers.saved_model import read_saved_model
from albert_export.checkpoints.containers.saved_model_config import saved_model_config, saved_model_vocabulary
from albert_export.checkpoints.number_formats import as_float32, float_format
from albert_export.config import AlbertConfig
from albert_runtime.errors import CheckpointError, DependencyError
from tests.albert_export.checkpoints.containers.framework_files import (
    FIXTURES,
    assert_fixture,
    fixture_names,
    outputs_of,
)
from tests.fixtures.frameworks.make import MASK, SIZES
from tests.google_checkpoint import GOOGLE_CONFIG, encoder_variables, random_variables

TF2 = FIXTURES / "tf_hub"


@pytest.fixture
def tf2(tmp_path: Path) -> Path:
    """A SavedModel that tensorflow/models wrote, which each test may change."""
    shutil.copytree(TF2, tmp_path / "tf2")
    return tmp_path / "tf2"


def save_tf1(folder: Path, variables: dict[str, np.ndarray], scope: str = "") -> Path:
    """Saves a SavedModel of TF1 with the variables, below the scope, and without any computation."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, array in variables.items():
            tf.compat.v1.get_variable(f"{scope}{name}", initializer=array, use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        builder = tf.compat.v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, [])
        builder.save()
    return folder


def put(folder: Path, name: str, value: object) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))


def refused(read, folder: Path, *said: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        list(read(folder))
    for words in said:
        assert words in str(caught.value)


# --- TF2: tensorflow/models ------------------------------------------------------------------------------------------


def test_an_encoder_of_tensorflow_models():
    weights, config = dict(read_saved_model(TF2)), saved_model_config(TF2)
    assert_fixture(weights, fixture_names("AlbertModel"))
    assert config == AlbertConfig(**SIZES, hidden_act="gelu_new")
    outputs, right, real = outputs_of("AlbertModel", config, weights), np.load(TF2 / "outputs.npz"), MASK.astype(bool)
    np.testing.assert_allclose(outputs.last_hidden_state[real], right["sequence_output"][real], atol=1e-5)
    np.testing.assert_allclose(outputs.pooler_output, right["pooled_output"], atol=1e-5)


def save_objects(folder: Path, variables: dict[str, np.ndarray]) -> None:
    """Saves a SavedModel of TF2 whose objects hold the variables, without a description by Keras."""
    root = tf.Module()
    root.held = [tf.Variable(array, name=name) for name, array in variables.items()]
    tf.saved_model.save(root, str(folder))


def test_the_names_of_2020_and_of_the_masked_lm(tmp_path: Path):
    ones = np.ones((3, 4), np.float32)
    save_objects(
        tmp_path / "tf2",
        {
            "albert/transformer/self_attention_output/kernel": np.ones((2, 3, 4), np.float32),
            "position_embedding/position_embeddings": ones,
            "bert/cls/predictions/transform/dense/kernel": ones,
            "bert/cls/predictions/output_bias/bias": np.ones(5, np.float32),
            # `output_bias` alone is the name of Google's classifier.
            "my_head/output_bias": np.ones(5, np.float32),
        },
    )
    assert {name: array.shape for name, array in read_saved_model(tmp_path / "tf2")} == {
        "albert.encoder.albert_layer_groups.0.albert_layers.0.attention.dense.weight": (4, 6),
        "albert.embeddings.position_embeddings.weight": (3, 4),
        "predictions.dense.weight": (4, 3),
        "predictions.bias": (5,),
        "my_head/output_bias": (5,),
    }


def test_other_variables(tmp_path: Path):
    wide = tf.constant([1, -2.5], tf.bfloat16)
    root = tf.Module()
    root.held = [tf.Variable(True, name="do_lower_case"), tf.Variable(wide, name="pooler_transform/bias")]
    tf.saved_model.save(root, str(tmp_path / "tf2"))
    ((name, stored),) = read_saved_model(tmp_path / "tf2")
    assert float_format(stored.dtype) == "bfloat16"
    array = as_float32(stored)
    assert (name, array.dtype, array.tolist()) == ("albert.pooler.bias", np.float32, [1, -2.5])


def test_keras_of_before_tensorflow_2_5(tf2: Path):
    """It described the layers in saved_model.pb instead of in a file of its own."""
    described = SavedMetadata.FromString((tf2 / "keras_metadata.pb").read_bytes())
    (tf2 / "keras_metadata.pb").unlink()
    content = SavedModel.FromString((tf2 / "saved_model.pb").read_bytes())
    nodes = content.meta_graphs[0].object_graph_def.nodes
    for node in described.nodes:
        nodes[node.node_id].user_object.metadata = node.metadata
    (tf2 / "saved_model.pb").write_bytes(content.SerializeToString())
    assert saved_model_config(tf2) == saved_model_config(TF2)


def test_without_a_description_the_number_of_layers_is_asked_for(tf2: Path):
    (tf2 / "keras_metadata.pb").unlink()
    sizes = {**SIZES, "num_hidden_groups": 1, "inner_group_num": 1, "num_hidden_layers": "?", "hidden_act": "gelu"}
    with pytest.raises(CheckpointError) as caught:
        saved_model_config(tf2)
    message = str(caught.value)
    assert "says nowhere what its num_hidden_layers are" in message
    assert str(tf2 / "albert_config.json") in message
    assert json.loads(message[message.index("{") : message.index("}") + 1]) == sizes
    put(tf2, "albert_config.json", {**sizes, "num_hidden_layers": 3})
    assert saved_model_config(tf2) == saved_model_config(TF2)


# --- TF1: google-research/albert -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["", "module/"])
@pytest.mark.parametrize(("groups", "inner"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_a_tf1_module(groups: int, inner: int, scope: str, tmp_path: Path):
    variables = random_variables(num_hidden_groups=groups, inner_group_num=inner)
    folder = save_tf1(tmp_path / "tf1", variables, scope)
    put(folder, "assets/albert_config.json", {**GOOGLE_CONFIG, "num_hidden_groups": groups, "inner_group_num": inner})
    config, weights = saved_model_config(folder), dict(read_saved_model(folder))
    assert (config.num_hidden_groups, config.inner_group_num, config.hidden_act) == (groups, inner, "gelu_new")
    assert len(weights) == len(variables)
    last = f"albert_layer_groups.{groups - 1}.albert_layers.{inner - 1}"
    google = f"bert/encoder/transformer/group_{groups - 1}/inner_group_{inner - 1}"
    for name, variable in {
        "albert.embeddings.word_embeddings.weight": variables["bert/embeddings/word_embeddings"],
        f"albert.encoder.{last}.ffn.weight": variables[f"{google}/ffn_1/intermediate/dense/kernel"].T,
        f"albert.encoder.{last}.full_layer_layer_norm.bias": variables[f"{google}/LayerNorm_1/beta"],
        "predictions.bias": variables["cls/predictions/output_bias"],
        "sop_classifier.classifier.weight": variables["cls/seq_relationship/output_weights"],
    }.items():
        np.testing.assert_array_equal(weights[name], variable, err_msg=name)


@pytest.mark.parametrize(
    ("head", "name", "stored"),
    [
        ("squad", "qa_outputs.weight", "cls/squad/output_weights"),
        ("classifier", "classifier.weight", "output_weights"),
    ],
)
def test_what_an_estimator_exports(head: str, name: str, stored: str, tmp_path: Path):
    variables = random_variables(head)
    weights = dict(read_saved_model(save_tf1(tmp_path / "tf1", variables)))
    np.testing.assert_array_equal(weights[name], variables[stored])


def test_no_mapping_where_the_sizes_are_equal(tmp_path: Path):
    folder = save_tf1(tmp_path / "tf1", random_variables("none", embedding_size=32))
    weights = dict(read_saved_model(folder))
    np.testing.assert_array_equal(weights["albert.encoder.embedding_hidden_mapping_in.weight"], np.eye(32))
    np.testing.assert_array_equal(weights["albert.encoder.embedding_hidden_mapping_in.bias"], np.zeros(32))


def test_without_albert_config_it_is_asked_for(tmp_path: Path):
    sizes = {**GOOGLE_CONFIG, "hidden_size": 768, "intermediate_size": 3072}
    shown = ("embeddings/", "embedding_hidden_mapping_in/kernel", "ffn_1/intermediate/dense/kernel")
    variables = {name: np.zeros(shape, np.float32) for name, shape in encoder_variables(sizes).items()}
    folder = save_tf1(tmp_path / "tf1", {name: variables[name] for name in variables if any(s in name for s in shown)})
    refused(
        saved_model_config,
        folder,
        "num_hidden_layers and num_attention_heads",
        '"hidden_size": 768',
        '"num_attention_heads": "?"',
        "of the published ones, albert-base has 12 layers and 12 heads",
    )


# --- both ------------------------------------------------------------------------------------------------------------


def test_vocabulary(tf2: Path):
    assert saved_model_vocabulary(tf2) is None
    put(tf2, "assets/30k-clean.vocab", "")
    put(tf2, "assets/30k-clean.model", "")
    assert saved_model_vocabulary(tf2) == tf2 / "assets" / "30k-clean.model"
    put(tf2, "assets/other.model", "")
    assert saved_model_vocabulary(tf2) is None


def test_another_model(tmp_path: Path):
    save_objects(tmp_path / "tf2", {"dense/kernel": np.ones((2, 2), np.float32)})
    refused(saved_model_config, tmp_path / "tf2", "not an ALBERT's", "the first is called 'dense/kernel'")


def test_no_variables(tf2: Path):
    shutil.rmtree(tf2 / "variables")
    refused(read_saved_model, tf2, "no variables/variables.index")


@pytest.mark.parametrize("name", ["variables.index", "variables.data-00000-of-00001"])
@pytest.mark.parametrize("kept", [0, 100, -1])
def test_truncated_variables(name: str, kept: int, tf2: Path):
    path = tf2 / "variables" / name
    path.write_bytes(path.read_bytes()[:kept])
    refused(read_saved_model, tf2, "damaged", "fetch")


@pytest.mark.parametrize("name", ["saved_model.pb", "keras_metadata.pb"])
def test_truncated_descriptions(name: str, tf2: Path):
    (tf2 / name).write_bytes((tf2 / name).read_bytes()[:-1])
    refused(saved_model_config, tf2, f"{name} is damaged")


def test_without_tensorflow(tf2: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(DependencyError, match=r"pip install 'albert-export\[tf\]'"):
        next(read_saved_model(tf2))
