"""Writes the files of other frameworks as the frameworks do it, and what all tests of their readers share.

The layouts were taken from files that the frameworks wrote; tests/fixtures/frameworks has some of those.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import msgpack
import numpy as np
import pytest
import torch
import transformers

from albert_export.config import AlbertConfig
from tests.albert_export.checkpoints.transformers_checkpoint import SERVED, TINY, full_weights, hugging_face_model
from tests.fixtures.frameworks.make import HERE, IDS, MASK, SEGMENTS, values

FIXTURES = HERE
#: (class, num_hidden_groups, inner_group_num)
MODELS = tuple(itertools.product(SERVED, (1, 2), (1, 2)))
_TENSOR_2D = re.compile(r"\.(dense|query|key|value|ffn|ffn_output|pooler|classifier|qa_outputs|\w+mapping_in)\.weight$")
_NORM = re.compile(r"\.(LayerNorm|full_layer_layer_norm)\.(weight|bias)$")


def model_weights(architecture: str, groups: int, inner: int) -> dict[str, np.ndarray]:
    """The random weights of one of MODELS, by Hugging Face's full names."""
    return full_weights(hugging_face_model(architecture, num_hidden_groups=groups, inner_group_num=inner))


def assert_fixture(found: Mapping[str, np.ndarray], names: Iterable[str]) -> None:
    """Check that the weights are those with which tests/fixtures/frameworks/make.py filled the model."""
    assert set(found) == set(names)
    for name, array in found.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, values(name.replace("decoder.bias", "bias"), array.shape), err_msg=name)


def fixture_names(architecture: str) -> set[str]:
    """The full names of the weights of a model of the fixtures' size, which has one set of layer weights."""
    return set(model_weights(architecture, 1, 1))


def outputs_of(
    architecture: str, config: AlbertConfig, weights: Mapping[str, np.ndarray], head_eps: float | None = None
) -> Any:
    """What transformers' model of the configuration and weights gives for the ids of the fixtures.

    `head_eps` replaces the number that is added to the variance in the head of the masked language model.
    """
    model = getattr(transformers, architecture)(transformers.AlbertConfig(**config.to_dict())).eval()
    if head_eps is not None:
        model.predictions.LayerNorm.eps = head_eps
    prefix = "albert." if architecture == "AlbertModel" else ""
    state = {name.removeprefix(prefix): torch.from_numpy(np.ascontiguousarray(a)) for name, a in weights.items()}
    result = model.load_state_dict(state, strict=False)
    assert set(result.missing_keys) <= {"predictions.decoder.weight", "predictions.decoder.bias"}
    inputs = {"input_ids": IDS, "token_type_ids": SEGMENTS, "attention_mask": MASK}
    with torch.no_grad():
        return model(**{name: torch.from_numpy(array).long() for name, array in inputs.items()})


def _is_kernel(name: str) -> bool:
    return _TENSOR_2D.search(f".{name}") is not None and "_embeddings." not in name


def write_tf_h5(path: Path, weights: Mapping[str, np.ndarray], model: str = "tf_albert_model") -> None:
    """Write what `TFAlbert...save_pretrained` writes; `model` is the name that Keras gives the model."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"backend": "tensorflow", "keras_version": "2.21.0"})
        for name, array in weights.items():
            stored, kind = re.sub(r"/(\d+)/", r"_._\1/", name.replace(".", "/")).rsplit("/", 1)
            if "position_embeddings" in name or "token_type_embeddings" in name:
                kind = "embeddings"
            elif _NORM.search(name):
                kind = {"weight": "gamma", "bias": "beta"}[kind]
            elif _is_kernel(name):
                kind, array = "kernel", array.T
            file[f"{stored.split('/')[0]}/{model}/{stored}/{kind}:0"] = array
        file.create_group("top_level_model_weights")


def flax_array(array: np.ndarray, dtype: str = "") -> msgpack.ExtType:
    """flax.serialization's form of an array; `dtype` replaces the name of its dtype."""
    content = (array.shape, dtype or array.dtype.name, array.tobytes())
    return msgpack.ExtType(1, msgpack.packb(content, use_bin_type=True))


def flax_tree(weights: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The nested parameters of `FlaxAlbert...`, without the packing."""
    tree: dict[str, Any] = {}
    bare = not any(not name.startswith("albert.") for name in weights)
    for name, array in weights.items():
        *modules, kind = name.removeprefix("albert." if bare else "").split(".")
        if "_embeddings" in name:
            kind = "embedding"
        elif _NORM.search(name):
            kind = {"weight": "scale", "bias": "bias"}[kind]
        elif _is_kernel(name):
            kind, array = "kernel", array.T
        node = tree
        for module in modules:
            node = node.setdefault(module, {})
        node[kind] = np.ascontiguousarray(array)
    return tree


def write_flax(path: Path, tree: Mapping[str, Any]) -> None:
    """Write what `flax.serialization.to_bytes` gives for the nested parameters."""
    path.write_bytes(msgpack.packb(tree, default=flax_array, strict_types=True))


def write_keras_hub(
    folder: Path, weights: Mapping[str, np.ndarray], groups: int, inner: int, layers: str = "layers"
) -> None:
    """Write what KerasHub's `save_to_preset` writes; `layers` is the name of the outermost group."""
    described = {
        "vocabulary_size": TINY["vocab_size"],
        "num_layers": TINY["num_hidden_layers"],
        "num_heads": TINY["num_attention_heads"],
        "num_groups": groups,
        "num_inner_repetitions": inner,
        "embedding_dim": TINY["embedding_size"],
        "hidden_dim": TINY["hidden_size"],
        "intermediate_dim": TINY["intermediate_size"],
        "dropout": 0.0,
        "max_sequence_length": TINY["max_position_embeddings"],
        "num_segments": 2,
    }
    describe(folder / "config.json", "AlbertBackbone", described)
    files = {True: h5py.File(folder / "model.weights.h5", "w"), False: None}
    for name, array in weights.items():
        in_backbone = name.startswith("albert.")
        if not in_backbone and files[False] is None:
            files[False] = h5py.File(folder / "task.weights.h5", "w")
            files[False]["optimizer/vars/0"] = np.zeros(())
        stored, array = _keras_hub_form(name, array, inner)
        files[in_backbone][f"{layers}/{stored}"] = array
    for file in filter(None, files.values()):
        file.close()
    if "classifier.weight" in weights:
        task = {"num_classes": len(weights["classifier.weight"]), "dropout": 0.25, "activation": "linear"}
        describe(folder / "task.json", "AlbertTextClassifier", task)
    if "predictions.bias" in weights:
        describe(folder / "task.json", "AlbertMaskedLM", {})


def describe(path: Path, name: str, config: Mapping[str, Any], package: str = "keras_hub") -> None:
    """Write Keras' description of an object of a class of KerasHub."""
    value = {"module": "m", "class_name": name, "config": config, "registered_name": f"{package}>{name}"}
    path.write_text(json.dumps(value))


_KERAS_HUB_LAYERS = {
    "albert.embeddings.word_embeddings": "reversible_embedding",
    "albert.embeddings.position_embeddings": "position_embedding",
    "albert.embeddings.token_type_embeddings": "embedding",
    "albert.embeddings.LayerNorm": "layer_normalization",
    "albert.encoder.embedding_hidden_mapping_in": "dense",
    "albert.pooler": "dense_1",
    "attention.query": "_self_attention_layer/query_dense",
    "attention.key": "_self_attention_layer/key_dense",
    "attention.value": "_self_attention_layer/value_dense",
    "attention.dense": "_self_attention_layer/output_dense",
    "attention.LayerNorm": "_self_attention_layer_norm",
    "ffn": "_feedforward_intermediate_dense",
    "ffn_output": "_feedforward_output_dense",
    "full_layer_layer_norm": "_feedforward_layer_norm",
    "classifier": "dense",
    "predictions.dense": "masked_lm_head/_intermediate_dense",
    "predictions.LayerNorm": "masked_lm_head/_intermediate_layer_norm",
}


def _keras_hub_form(name: str, array: np.ndarray, inner: int) -> tuple[str, np.ndarray]:
    if name == "predictions.bias":
        return "masked_lm_head/vars/0", array
    heads, hidden = TINY["num_attention_heads"], TINY["hidden_size"]
    module, kind = name.rsplit(".", 1)
    number = {"weight": 0, "bias": 1}[kind]
    if _is_kernel(name):
        array = array.T
    layer = re.fullmatch(r"albert\.encoder\.albert_layer_groups\.(\d+)\.albert_layers\.(\d+)\.(.+)", module)
    if layer is None:
        return f"{_KERAS_HUB_LAYERS[module]}/vars/{number}", array
    if layer[3] in ("attention.query", "attention.key", "attention.value"):
        array = array.reshape((hidden, heads, -1) if kind == "weight" else (heads, -1))
    elif layer[3] == "attention.dense" and kind == "weight":
        array = array.reshape(heads, -1, hidden)
    count = int(layer[1]) * inner + int(layer[2])
    encoder = f"transformer_encoder_{count}" if count else "transformer_encoder"
    return f"{encoder}/{_KERAS_HUB_LAYERS[layer[3]]}/vars/{number}", array


def without_package(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Make the import of `package` fail."""
    monkeypatch.setitem(__import__("sys").modules, package, None)
