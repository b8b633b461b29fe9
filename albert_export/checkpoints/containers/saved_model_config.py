"""The configuration of an ALBERT in a SavedModel, which hardly ever has a config.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from albert_converters.extras import needing
from albert_export.checkpoints.containers.saved_model import (
    SAVED_MODEL,
    attention_heads,
    hugging_face_weights,
    variables,
)
from albert_export.checkpoints.weight_names import MEASURED_SIZES
from albert_export.config import CONFIG_FILE, GOOGLE_CONFIG_FILE, PUBLISHED, AlbertConfig
from albert_export.config_file import is_int
from albert_runtime.errors import CheckpointError

# Keras wrote its description of the layers into saved_model.pb until TensorFlow 2.4, and then beside it.
_KERAS_METADATA = "keras_metadata.pb"
_DEEPEST = 32
_LAYER = re.compile(r"albert\.encoder\.albert_layer_groups\.(\d+)\.albert_layers\.(\d+)\.ffn\.weight")
_UNSEEN = ("num_hidden_layers", "num_attention_heads")


def saved_model_config(folder: Path) -> AlbertConfig:
    """The configuration of the SavedModel in `folder`.

    It is that of the first of these places that has one: a `config.json` or `albert_config.json` in the folder or in
    its `assets/` (google-research/albert's export_to_tfhub.py puts one there); or the shapes of the weights, together
    with what Keras says of its layers in TF2. Google's and TensorFlow's ALBERTs have the tanh form of GELU and
    normalize with 1e-12.

    Raises:
        CheckpointError: a file is damaged; or nothing says how many layers or attention heads there are. The weights
            don't show them, since layers share their weights; the message says what to write into which file.
        DependencyError: TensorFlow is missing.
    """
    for place in (folder, folder / "assets"):
        if any((place / name).is_file() for name in (CONFIG_FILE, GOOGLE_CONFIG_FILE)):
            return AlbertConfig.from_folder(place)
    found = variables(folder)
    sizes = _measured_sizes(folder, dict(hugging_face_weights(found)))
    said = _said_by_keras(folder)
    layers, heads = said.get("num_layers"), attention_heads(found) or said.get("num_attention_heads")
    if layers is None or heads is None:
        raise CheckpointError(_question(folder, sizes, {"num_hidden_layers": layers, "num_attention_heads": heads}))
    fields = {**sizes, "num_hidden_layers": layers, "num_attention_heads": heads}
    return AlbertConfig.from_google_dict(fields, source=str(folder / SAVED_MODEL))


def saved_model_vocabulary(folder: Path) -> Path | None:
    """The SentencePiece model among the assets of the SavedModel in `folder`; None if there is none, or several."""
    models = [path for path in sorted(folder.glob("assets/*.model")) if path.is_file()]
    return models[0] if len(models) == 1 else None


def _measured_sizes(folder: Path, weights: Mapping[str, np.ndarray]) -> dict[str, int]:
    absent = [name for name, _ in MEASURED_SIZES.values() if name not in weights or weights[name].ndim != 2]
    if absent:
        first = next(iter(weights), None)
        raise CheckpointError(
            f"{folder} is a SavedModel, but not an ALBERT's: of its {len(weights)} variables"
            f"{f' (the first is called {first!r})' if first else ''}, none is {', '.join(dict.fromkeys(absent))}"
        )
    layers = [(int(name[1]), int(name[2])) for name in map(_LAYER.fullmatch, weights) if name]
    return {
        **{field: weights[name].shape[axis] for field, (name, axis) in MEASURED_SIZES.items()},
        "num_hidden_groups": 1 + max(group for group, _ in layers),
        "inner_group_num": 1 + max(inner for _, inner in layers),
    }


def _question(folder: Path, sizes: dict[str, int], counts: dict[str, int | None]) -> str:
    """What to say where the number of layers or heads is not known."""
    unknown = " and ".join(field for field in _UNSEEN if counts[field] is None)
    alike = ("hidden_size", "intermediate_size")
    published = [
        f"{name.removesuffix('-v2')} has {shape['num_hidden_layers']} layers and {shape['num_attention_heads']} heads"
        for name, shape in PUBLISHED.items()
        if name.endswith("-v2") and all(shape[size] == sizes[size] for size in alike)
    ]
    fields = {**sizes, **{field: "?" if counts[field] is None else counts[field] for field in _UNSEEN}}
    return (
        f"{folder} says nowhere what its {unknown} are, and the layers of an ALBERT share their weights. Write "
        f"{folder / GOOGLE_CONFIG_FILE} with {json.dumps({**fields, 'hidden_act': 'gelu'})}"
        + (f"; of the published ones, {', '.join(published)}" if published else "")
    )


def _said_by_keras(folder: Path) -> dict[str, int]:
    """The numbers of layers and heads in the settings of AlbertEncoder, which Keras writes as JSON; {} without it."""
    for text in _keras_descriptions(folder):
        if '"num_layers"' in text:
            try:
                settings = _encoder_settings(json.loads(text), 0)
            except (ValueError, RecursionError):
                continue
            if settings:
                return settings
    return {}


def _encoder_settings(value: object, depth: int) -> dict[str, int]:
    """The first object within `value` that has the settings of AlbertEncoder."""
    if depth > _DEEPEST:
        return {}
    if isinstance(value, dict):
        numbers = {name: value.get(name) for name in ("num_layers", "num_attention_heads")}
        if all(is_int(number) for number in numbers.values()):
            return {name: number for name, number in numbers.items() if is_int(number)}
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for one in inside if (found := _encoder_settings(one, depth + 1))), {})


def _keras_descriptions(folder: Path) -> Iterator[str]:
    """What Keras wrote about each object of the model."""
    with needing(f"reading {SAVED_MODEL} needs TensorFlow", "tf"):
        from google.protobuf.message import DecodeError
        from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    def parsed(kind: Any, path: Path) -> Any:
        try:
            return kind.FromString(path.read_bytes())
        except DecodeError as error:
            raise CheckpointError(f"{path} is damaged ({error}): fetch it again") from error

    if (folder / SAVED_MODEL).is_file():
        for graph in parsed(SavedModel, folder / SAVED_MODEL).meta_graphs:
            yield from (node.user_object.metadata for node in graph.object_graph_def.nodes)
    if (folder / _KERAS_METADATA).is_file():
        try:
            from tensorflow.python.keras.protobuf.saved_metadata_pb2 import SavedMetadata
        except ImportError:  # it is not part of TensorFlow's public interface; the user is asked instead
            return
        yield from (node.metadata for node in parsed(SavedMetadata, folder / _KERAS_METADATA).nodes)
