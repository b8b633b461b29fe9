"""Reads the configuration files of other people's checkpoints: is it JSON, is it an ALBERT, and which labels has it?"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from albert_runtime.errors import CheckpointError
from albert_runtime.failed_downloads import failed_download

_logger = logging.getLogger("albert_export")

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}([.][0-9]{0,15})?([eE][+-]?[0-9]{1,3})?")
#: numbers that only training uses, and what they must be below
_MOST = {
    "hidden_dropout_prob": 1.0,
    "attention_probs_dropout_prob": 1.0,
    "classifier_dropout_prob": 1.0,
    "initializer_range": float("inf"),
}
#: ids that only models look at which write texts
_UNUSED_IDS = {"bos_token_id", "eos_token_id"}
#: what a call of a Hugging Face model returns if the call does not say
_CALL_FLAGS = {"output_attentions", "output_hidden_states", "return_dict"}


def read_json(path: Path) -> object:
    """The value in the JSON file at `path`.

    Raises:
        CheckpointError: the file can't be read, or is not JSON in UTF-8.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise CheckpointError(f"can't read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            failed_download(path) or f"{path} is not JSON in UTF-8 ({error}); it may be damaged: fetch it again"
        ) from error


def read_json_object(path: Path) -> dict[str, Any]:
    """The object in the JSON file at `path`.

    Raises:
        CheckpointError: the file can't be read, is not JSON in UTF-8, or is JSON but not an object.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} must hold a JSON object, and holds a {type(value).__name__}")
    return value


def check_is_albert(values: dict[str, Any], source: str) -> None:
    """Refuses the configurations of other models; `source` names the file in the message.

    Google's files do not name the model, so fields that only ALBERT has are accepted as proof.

    Raises:
        CheckpointError: the values name another model, or nothing in them shows that this is an ALBERT.
    """
    kind = values.get("model_type")
    if kind is None:
        architectures = values.get("architectures")
        named = architectures[0] if isinstance(architectures, list) and architectures else None
        if str(named or "").startswith("Albert") or {"embedding_size", "num_hidden_groups"} & values.keys():
            return
        found = f"names {named}" if named else "names no model"
    elif kind == "albert":
        return
    else:
        found = f"is a {str(kind).upper()} checkpoint's"
    raise CheckpointError(f'{source} {found}: only ALBERT is supported (model_type "albert")')


def read_labels(values: dict[str, Any]) -> tuple[dict[str, Any], int | None, list[str]]:
    """The labels in a file's `values`.

    Only the names of the labels matter here: `label2id` says the same once more, and what is wrong in it is left out.

    Returns:
        The label arguments of AlbertConfig; the number of labels that the file states, if it contradicts the names; and
        the problems of the fields that are left out.
    """
    problems: list[str] = []
    labels: dict[str, Any] = {}
    names = _names(values.get("id2label"), problems)
    if names:
        # The keys of a JSON object are always text. Some tools also write numbers as the names of labels.
        labels["id2label"] = {_as_id(key): str(label) for key, label in names.items()}
    ids = values.get("label2id")
    if isinstance(ids, list):
        ids = {str(label): index for index, label in enumerate(ids)}
    if isinstance(ids, dict):
        numbers = {str(label): _as_number(index) for label, index in ids.items()}
        labels["label2id"] = {label: index for label, index in numbers.items() if is_int(index)}
        if not names and len(labels["label2id"]) < len(ids):
            problems.append(f"label2id must give whole numbers, not {ids!r}")
    elif ids is not None and not names:
        problems.append(f"label2id must be an object, not {ids!r}")
    # Old files state the number of labels beside the labels, or instead of them.
    count = _as_number(values.get("num_labels", values.get("_num_labels")))
    named = labels.get("id2label") or labels.get("label2id")
    if is_int(count) and count > 0:
        if not named or len(named) == count:
            return {**labels, "num_labels": count}, None, problems
        # Two placeholders are what a file holds when nobody named any labels.
        return labels, None if [*named.values()] == ["LABEL_0", "LABEL_1"] else count, problems
    if count is not None and not named:
        problems.append(f"num_labels must be a positive whole number, not {count!r}")
    return labels, None, problems


def _names(value: Any, problems: list[str]) -> dict[Any, Any]:
    """The names of the labels by their ids; a list names the ids from 0 on."""
    if isinstance(value, list):
        return dict(enumerate(value))
    if value is not None and not isinstance(value, dict):
        problems.append(f"id2label must be an object, not {value!r}")
    return value if isinstance(value, dict) else {}


def without_trifles(values: dict[str, Any], defaults: Mapping[str, Any], source: str) -> dict[str, Any]:
    """`values` with usable values for what no exported model computes with, so that it keeps nobody from exporting.

    A number that is written as text becomes a number. What has no meaning becomes the default: a dropout, the range of
    random initial weights, the ids of tokens that ALBERT never looks at. What the model computes with stays as it is,
    for AlbertConfig to check.

    Args:
        values: the fields of config.json that AlbertConfig has.
        defaults: the default of each of them.
        source: what messages call the file.
    """
    read = {name: _as_number(value) if name in _MOST else value for name, value in values.items()}
    # Hugging Face reads null as the other dropout in this field.
    if read.get("classifier_dropout_prob", ...) is None:
        read["classifier_dropout_prob"] = read.get("hidden_dropout_prob", defaults["hidden_dropout_prob"])
    for name in _MOST.keys() & read.keys():
        value = read[name]
        if not (is_int(value) or isinstance(value, float)) or not 0 <= value < _MOST[name]:
            read[name] = defaults[name]
            if value is not None:
                unused = "%s: %s is %r; %r is written instead, since an exported model does not use it"
                _logger.warning(unused, source, name, value, defaults[name])
    for name in _UNUSED_IDS & read.keys():
        read[name] = _as_token_ids(read[name])
    # The id of padding is hidden by the attention mask, but tokenizers are compared with it.
    pad = _as_number(read.get("pad_token_id"))
    pad = pad[0] if isinstance(pad, list) and len(pad) == 1 else pad
    if "pad_token_id" in read:
        read["pad_token_id"] = None if is_int(pad) and pad < 0 else pad
    for name in _CALL_FLAGS & read.keys():
        if read[name] is None or read[name] in (0, 1):
            read[name] = defaults[name] if read[name] is None else bool(read[name])
    if isinstance(read.get("architectures"), str):
        read["architectures"] = [read["architectures"]]
    if isinstance(read.get("architectures"), list):
        read["architectures"] = [name for name in read["architectures"] if isinstance(name, str)] or None
    if "pruned_heads" in read and not _pruned(read["pruned_heads"]):
        read["pruned_heads"] = {}
    return read


def _pruned(heads: Any) -> bool:
    """Whether attention heads are pruned; a table may name layers and none of their heads."""
    return any(heads.values()) if isinstance(heads, dict) else bool(heads)


def _as_token_ids(value: Any) -> int | list[int] | None:
    """The ids of tokens that end or begin texts for models that write texts: one, several, or None for what is none."""
    if isinstance(value, list):
        return [one for one in map(_as_number, value) if is_int(one) and one >= 0] or None
    value = _as_number(value)
    return value if is_int(value) and value >= 0 else None


def _as_number(value: Any) -> Any:
    """The number that a text like "3" or "0.1" writes; anything else as it is."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value) if any(sign in value for sign in ".eE") else int(value)
    return value


def is_int(value: object) -> TypeGuard[int]:
    """Whether `value` is a whole number. Python counts True and False as integers; this function does not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _as_id(key: Any) -> Any:
    """`key` as an integer. A key that is no number stays as it is, so that `AlbertConfig.validate` can name it."""
    try:
        return int(key)
    except ValueError:
        return key
