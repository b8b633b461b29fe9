"""Reads presets of KerasHub (KerasNLP before 2024): folders that `save_to_preset` writes."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from albert_export.checkpoints.containers.hdf5_file import datasets, open_hdf5, read_array
from albert_export.checkpoints.framework_weights import hugging_face_weight
from albert_export.config import CONFIG_FILE, AlbertConfig
from albert_export.config_file import is_int, read_json_object
from albert_runtime.errors import CheckpointError, UnsupportedError, listed

logger = logging.getLogger("albert_export")

WEIGHTS = "model.weights.h5"
TASK_WEIGHTS = "task.weights.h5"
TASK = "task.json"

_BACKBONE = "AlbertBackbone"
_LAYER = "albert.encoder.albert_layer_groups.{group}.albert_layers.{inner}"
# keras_hub/src/models/albert/albert_backbone.py. Keras names a layer in the file after its class; where there are
# several of a class, the second one gets `_1`.
_BACKBONE_LAYERS = {
    "reversible_embedding": "albert.embeddings.word_embeddings",
    "position_embedding": "albert.embeddings.position_embeddings",
    "embedding": "albert.embeddings.token_type_embeddings",
    "layer_normalization": "albert.embeddings.LayerNorm",
    "dense": "albert.encoder.embedding_hidden_mapping_in",
    "dense_1": "albert.pooler",
}
# keras_hub/src/layers/modeling/transformer_encoder.py; the names begin with `_`, which older versions also put before
# `query_dense`, and older versions say `layernorm`.
_ENCODER_LAYERS = {
    "self_attention_layer/query_dense": f"{_LAYER}.attention.query",
    "self_attention_layer/key_dense": f"{_LAYER}.attention.key",
    "self_attention_layer/value_dense": f"{_LAYER}.attention.value",
    "self_attention_layer/output_dense": f"{_LAYER}.attention.dense",
    "self_attention_layer_norm": f"{_LAYER}.attention.LayerNorm",
    "feedforward_intermediate_dense": f"{_LAYER}.ffn",
    "feedforward_output_dense": f"{_LAYER}.ffn_output",
    "feedforward_layer_norm": f"{_LAYER}.full_layer_layer_norm",
}
# albert_text_classifier.py and keras_hub/src/layers/modeling/masked_lm_head.py
_TASK_LAYERS = {
    "dense": "classifier",
    "masked_lm_head/intermediate_dense": "predictions.dense",
    "masked_lm_head/intermediate_layer_norm": "predictions.LayerNorm",
    "masked_lm_head": "predictions",
}
#: KerasHub's class of a task -> Hugging Face's; AlbertClassifier is the older name
_ARCHITECTURES = {
    "AlbertTextClassifier": "AlbertForSequenceClassification",
    "AlbertClassifier": "AlbertForSequenceClassification",
    "AlbertMaskedLM": "AlbertForMaskedLM",
}
#: KerasHub's size -> Hugging Face's
_SIZES = {
    "vocabulary_size": "vocab_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "num_groups": "num_hidden_groups",
    "num_inner_repetitions": "inner_group_num",
    "embedding_dim": "embedding_size",
    "hidden_dim": "hidden_size",
    "intermediate_dim": "intermediate_size",
    "max_sequence_length": "max_position_embeddings",
    "num_segments": "type_vocab_size",
}
# how Keras before version 3 called the group `layers`
_OLD_GROUP = "_layer_checkpoint_dependencies/"
_ENCODER = re.compile(r"transformer_encoder(?:_(\d+))?/(.+)")


def is_keras_hub(folder: Path) -> bool:
    """Whether the folder's `config.json` is Keras' description of an object, instead of Hugging Face's fields."""
    path = folder / CONFIG_FILE
    return path.is_file() and {"registered_name", "class_name", "config"} <= read_json_object(path).keys()


def keras_hub_config(folder: Path) -> AlbertConfig:
    """The configuration of the preset in `folder`, from its `config.json` and, if there is one, its `task.json`.

    KerasHub's ALBERT always has the tanh form of GELU and normalizes with 1e-12 (albert_backbone.py), like
    `hidden_act: gelu_new`. Only the head of AlbertMaskedLM normalizes with 1e-5 (masked_lm_head.py), for which
    Hugging Face's configuration has no field; a warning says so.

    Raises:
        CheckpointError: a file is missing or damaged, or describes another model than an ALBERT.
        UnsupportedError: the task is another one than text classification and fill-mask.
    """
    source = folder / CONFIG_FILE
    values = _described(source, _BACKBONE)
    absent = [size for size in _SIZES if not is_int(values.get(size))]
    if absent:
        problems = [f"{size} must be a whole number, not {values.get(size)!r}" for size in absent]
        raise CheckpointError(listed(f"{source} does not describe an ALBERT that can be used:", problems))
    fields: dict[str, Any] = {ours: values[theirs] for theirs, ours in _SIZES.items()}
    dropout = values.get("dropout", 0.0)
    fields |= {"hidden_act": "gelu_new", "hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    fields |= {"model_type": "albert", "architectures": ["AlbertModel"]} | _task_fields(folder)
    return AlbertConfig.from_dict(fields, source=str(source))


def read_keras_hub(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The weights of the preset in `folder`, by Hugging Face's full names and in its layout, in the dtype of the files.

    `model.weights.h5` holds the backbone, `task.weights.h5` the head. A weight of neither is yielded by its path.

    Raises:
        CheckpointError: a file is missing or damaged.
        DependencyError: h5py is missing.
    """
    config = keras_hub_config(folder)
    if not (folder / WEIGHTS).is_file():
        raise CheckpointError(
            f"{folder} is a preset of KerasHub without {WEIGHTS}; saved in shards, it is not supported"
        )
    yield from _weights(folder / WEIGHTS, _BACKBONE_LAYERS, config.inner_group_num)
    if (folder / TASK_WEIGHTS).is_file():
        yield from _weights(folder / TASK_WEIGHTS, _TASK_LAYERS, config.inner_group_num)


def _described(path: Path, *classes: str) -> dict[str, Any]:
    """The `config` of Keras' description of an object of one of the classes."""
    if not path.is_file():
        raise CheckpointError(f"{path.parent} is not a preset of KerasHub: it has no {path.name}")
    value = read_json_object(path)
    registered, config = value.get("registered_name"), value.get("config")
    package, _, name = str(registered).partition(">")
    if package not in ("keras_hub", "keras_nlp") or name not in classes or not isinstance(config, dict):
        raise CheckpointError(f"{path} describes {registered!r}; supported are {', '.join(classes)} of keras_hub")
    return config


def _task_fields(folder: Path) -> dict[str, Any]:
    """The fields of Hugging Face's configuration that the task decides."""
    path = folder / TASK
    if not path.is_file():
        return {}
    name = str(read_json_object(path).get("registered_name")).partition(">")[2]
    if name.startswith("Albert") and name not in _ARCHITECTURES:
        raise UnsupportedError(f"{path} describes {name}; supported are {', '.join(_ARCHITECTURES)}")
    values = _described(path, *_ARCHITECTURES)
    fields: dict[str, Any] = {"architectures": [_ARCHITECTURES[name]]}
    if _ARCHITECTURES[name] == "AlbertForMaskedLM":
        logger.warning(
            "%s: KerasHub adds 1e-5 to the variance in the head of AlbertMaskedLM, and ALBERT adds 1e-12: "
            "the scores of the exported model will differ a little from KerasHub's",
            path,
        )
    if _ARCHITECTURES[name] == "AlbertForSequenceClassification":
        fields |= {"num_labels": values.get("num_classes"), "classifier_dropout_prob": values.get("dropout", 0.1)}
        if values.get("activation") == "sigmoid":
            fields["problem_type"] = "multi_label_classification"
    return fields


def _weights(path: Path, layers: Mapping[str, str], inner_group_num: int) -> Iterator[tuple[str, np.ndarray]]:
    with open_hdf5(path) as file:
        found = False
        for stored, dataset in datasets(path, file):
            if stored.startswith("optimizer/"):
                continue
            found = True
            module, variable = _module_of(stored, layers, inner_group_num)
            yield hugging_face_weight(module, variable, read_array(path, dataset))
        if not found:
            raise CheckpointError(f"{path} holds no weights of Keras: it has {', '.join(file) or 'nothing'}")


def _module_of(stored: str, layers: Mapping[str, str], inner_group_num: int) -> tuple[str, str]:
    """Hugging Face's layer and Keras' name of the variable that is stored as `layers/dense/vars/0`.

    Keras counts the variables of a layer: the first is the kernel, gamma or table, and the second the bias or beta.
    """
    layer, _, number = stored.partition("/vars/")
    layer = layer.removeprefix("layers/").removeprefix(_OLD_GROUP)
    layer = re.sub(r"(^|/)_", r"\1", layer).replace("layernorm", "layer_norm")
    encoder = _ENCODER.fullmatch(layer)
    if encoder and encoder[2] in _ENCODER_LAYERS:
        group, inner = divmod(int(encoder[1] or 0), inner_group_num)
        module = _ENCODER_LAYERS[encoder[2]].format(group=group, inner=inner)
    elif layer in layers:
        module = layers[layer]
    else:
        return layer.replace("/", "."), number
    if module == "predictions":
        return module, "bias"
    first = "gamma" if module.lower().endswith("norm") else "embeddings" if "_embeddings" in module else "kernel"
    return module, {"0": first, "1": "beta" if first == "gamma" else "bias"}.get(number, number)
