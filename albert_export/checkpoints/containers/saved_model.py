"""Reads SavedModels: ALBERTs of TF Hub, in its TF1 and TF2 formats, and what Google's Estimators export."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from albert_converters.extras import needing
from albert_export.checkpoints.containers.tf_checkpoint import read_tf_checkpoint
from albert_export.checkpoints.framework_weights import hugging_face_weight
from albert_export.checkpoints.number_formats import float_format
from albert_export.checkpoints.weight_names import MAPPING, WORD_EMBEDDINGS, by_google_name
from albert_runtime.errors import CheckpointError

SAVED_MODEL = "saved_model.pb"
_INDEX = Path("variables", "variables.index")
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"

_LAYER = "albert.encoder.albert_layer_groups.0.albert_layers.0"
# The layers of official/nlp/modeling/networks/albert_encoder.py in tensorflow/models, which has one group of one layer.
_LAYERS = {
    "word_embeddings": "albert.embeddings.word_embeddings",
    "position_embedding": "albert.embeddings.position_embeddings",
    "type_embeddings": "albert.embeddings.token_type_embeddings",
    "embeddings/layer_norm": "albert.embeddings.LayerNorm",
    "embedding_projection": "albert.encoder.embedding_hidden_mapping_in",
    "transformer/self_attention/query": f"{_LAYER}.attention.query",
    "transformer/self_attention/key": f"{_LAYER}.attention.key",
    "transformer/self_attention/value": f"{_LAYER}.attention.value",
    "transformer/self_attention/attention_output": f"{_LAYER}.attention.dense",
    # the name in 2020
    "transformer/self_attention_output": f"{_LAYER}.attention.dense",
    "transformer/self_attention_layer_norm": f"{_LAYER}.attention.LayerNorm",
    "transformer/intermediate": f"{_LAYER}.ffn",
    "transformer/output": f"{_LAYER}.ffn_output",
    "transformer/output_layer_norm": f"{_LAYER}.full_layer_layer_norm",
    "pooler_transform": "albert.pooler",
}
#: what the names of google-research/albert begin with, except those of the classifier
_GOOGLE_SCOPES = ("bert", "cls")
_FIRST_QUERY = f"{_LAYER}.attention.query.weight"
_HEADS_OF_KERNEL = re.compile(r"(^|/)self_attention/query/kernel$")


def read_saved_model(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The weights of the SavedModel in `folder`, by Hugging Face's full names and in its layout.

    TF1 modules (tfhub.dev/google/albert_base/3 and its kind) have the variables of google-research/albert. TF2 ones
    (tensorflow/albert_en_base/3) have those of AlbertEncoder in tensorflow/models. Nothing in the SavedModel is run:
    only its variables are read. A variable of neither is yielded by TensorFlow's name.

    Raises:
        CheckpointError: a file is damaged or missing.
        DependencyError: TensorFlow is missing.
    """
    yield from hugging_face_weights(variables(folder))


def hugging_face_weights(found: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """The weights that the variables hold, by Hugging Face's full names and in its layout.

    Args:
        found: the variables of a SavedModel, as `variables` gives them.
    """
    sizes: dict[str, tuple[int, ...]] = {}
    for variable, stored in found.items():
        name, array = _hugging_face(variable, stored)
        sizes[name] = array.shape
        yield name, array
    weight, bias = (row.hugging_face for row in MAPPING)
    hidden, embedding = sizes.get(_FIRST_QUERY), sizes.get(WORD_EMBEDDINGS)
    # Google leaves out the mapping from embedding_size to hidden_size where the two are the same.
    if weight not in sizes and hidden and embedding and hidden[-1] == embedding[-1]:
        yield weight, np.eye(hidden[-1], dtype=np.float32)
        yield bias, np.zeros(hidden[-1], np.float32)


def variables(folder: Path) -> dict[str, np.ndarray]:
    """The floating-point variables of the SavedModel in `folder`, by the names that the code that made them gave them.

    Raises:
        CheckpointError: a file is damaged or missing.
        DependencyError: TensorFlow is missing.
    """
    index = folder / _INDEX
    if not index.is_file():
        raise CheckpointError(f"{folder} has a {SAVED_MODEL}, but no {_INDEX}: fetch the whole folder again")
    stored: dict[str, np.ndarray | bytes] = dict(read_tf_checkpoint(index))
    names = _names_of_objects(index, stored.pop(_OBJECT_GRAPH, None))
    found = {names.get(key, key.removesuffix(_VALUE)): np.asarray(value) for key, value in stored.items()}
    return {name: one for name, one in found.items() if float_format(one.dtype) is not None}


def attention_heads(found: Mapping[str, np.ndarray]) -> int | None:
    """The number of attention heads, which TF2 shows as an axis of the matrices; None where there is no such axis."""
    shapes = [one.shape for name, one in found.items() if _HEADS_OF_KERNEL.search(name)]
    return shapes[0][1] if shapes and len(shapes[0]) == 3 else None


def _hugging_face(variable: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    # Keras makes a layer of the bias of the predictions.
    parts = variable.replace("output_bias/bias", "output_bias").split("/")
    # A model that contains the encoder may have put its own name before those of the layers.
    for start in range(len(parts)):
        row = by_google_name("/".join(parts[start:])) if start == 0 or parts[start] in _GOOGLE_SCOPES else None
        if row is not None:
            return row.hugging_face, array.T if row.transposed else array
        module = _LAYERS.get("/".join(parts[start:-1]))
        if module is not None:
            return hugging_face_weight(module, parts[-1], array)
    return variable, array


def _names_of_objects(index: Path, graph: np.ndarray | bytes | None) -> dict[str, str]:
    """The key of each variable in a TF2 checkpoint -> its name. The keys are paths through Python's objects."""
    if graph is None:
        return {}
    with needing(f"reading {index} needs TensorFlow", "tf"):
        from google.protobuf.message import DecodeError
        from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    try:
        parsed = TrackableObjectGraph.FromString(graph if isinstance(graph, bytes) else graph.item())
    except (DecodeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{index} is damaged ({error}): fetch all of its files again") from error
    attributes = [attribute for node in parsed.nodes for attribute in node.attributes]
    return {one.checkpoint_key: one.full_name for one in attributes if one.full_name}
