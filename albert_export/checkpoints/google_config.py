"""Finds the configuration that belongs to Google's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from albert_export.config import CONFIG_FILE, GOOGLE_CONFIG_FILE, AlbertConfig
from albert_export.config_file import read_json_object
from albert_runtime.errors import CheckpointError

#: what a JSON file must say to be the configuration of a model of this kind
_OF_A_MODEL = {"hidden_size", "num_hidden_layers", "vocab_size"}
#: what only an ALBERT's configuration says
_OF_AN_ALBERT = ("embedding_size", "num_hidden_groups")


def google_config_file(folder: Path) -> Path | None:
    """The configuration in `folder`; None if there is none.

    It is config.json if Hugging Face's tools have written that, or else albert_config.json, or else config.json, or
    else the only JSON file that describes a model.

    Raises:
        CheckpointError: there are several such files; the message lists them.
    """
    hugging_face, google = folder / CONFIG_FILE, folder / GOOGLE_CONFIG_FILE
    if google.is_file() and not (hugging_face.is_file() and _names_a_model_type(hugging_face)):
        return google
    if hugging_face.is_file():
        return hugging_face
    found = [file for file in sorted(folder.glob("*.json")) if file.is_file() and _fields(file).keys() >= _OF_A_MODEL]
    if len(found) > 1:
        raise CheckpointError(
            f"{folder} has several configurations, {', '.join(file.name for file in found)}; rename the one that "
            f"belongs to the weights to {GOOGLE_CONFIG_FILE}"
        )
    return found[0] if found else None


def read_google_config(folder: Path) -> AlbertConfig:
    """The configuration that belongs to Google's weights in `folder`.

    Unless the file names a `model_type`, as Hugging Face's files do, its fields have Google's meaning: "gelu" is the
    tanh approximation, whatever the name of the file is.

    Raises:
        CheckpointError: there is no such file, it can't be read, or it does not describe a supported ALBERT.
    """
    file = google_config_file(folder)
    if file is None:
        raise CheckpointError(f"{folder} has no {GOOGLE_CONFIG_FILE} (nor {CONFIG_FILE})")
    values = read_json_object(file)
    if values.get("model_type") is not None:
        return AlbertConfig.from_dict(values, source=str(file))
    missing = [name for name in _OF_AN_ALBERT if name not in values]
    if len(missing) == len(_OF_AN_ALBERT):
        raise CheckpointError(
            f"{file} has no {' and no '.join(missing)}, which every ALBERT's configuration has: it is probably a "
            f"BERT's, which can't be exported. If the weights are an ALBERT's, put the {GOOGLE_CONFIG_FILE} that they "
            f"were published with in its place"
        )
    return AlbertConfig.from_google_dict(values, source=str(file))


def _names_a_model_type(file: Path) -> bool:
    return _fields(file).get("model_type") is not None


def _fields(file: Path) -> dict[str, Any]:
    """The fields of a JSON file; none if it can't be read."""
    try:
        return read_json_object(file)
    except CheckpointError:
        return {}
