"""Reads the configuration files of other people's checkpoints: is it JSON, is it an ALBERT, and which labels has it?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeGuard

from albert_runtime.errors import CheckpointError
from albert_runtime.failed_downloads import failed_download


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


def read_labels(values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The label arguments of AlbertConfig in a file's `values`, and the problems of the fields that are left out."""
    labels = {name: values[name] for name in ("id2label", "label2id") if values.get(name) is not None}
    # Old files state the number of labels beside the labels, or instead of them.
    count = values.get("num_labels", values.get("_num_labels"))
    problems = [
        f"{name} must be an object, not {kept!r}" for name, kept in labels.items() if not isinstance(kept, dict)
    ]
    labels = {name: kept for name, kept in labels.items() if isinstance(kept, dict)}
    if not all(is_int(i) for i in labels.get("label2id", {}).values()):
        problems.append(f"label2id must give whole numbers, not {labels.pop('label2id')!r}")
    if "id2label" in labels:
        # The keys of a JSON object are always text. Some tools also write numbers as the names of labels.
        labels["id2label"] = {_as_id(key): str(label) for key, label in labels["id2label"].items()}
    if count is None:
        return labels, problems
    named = labels.get("id2label") or labels.get("label2id")
    if not is_int(count) or count < 1:
        problems.append(f"num_labels must be a positive whole number, not {count!r}")
    elif named and count != len(named):
        problems.append(
            f"num_labels is {count}, but {len(named)} labels are named: {', '.join(map(str, named.values()))}"
        )
    else:
        labels["num_labels"] = count
    return labels, problems


def is_int(value: object) -> TypeGuard[int]:
    """Whether `value` is a whole number. Python counts True and False as integers; this function does not."""
    return isinstance(value, int) and not isinstance(value, bool)


def _as_id(key: Any) -> Any:
    """`key` as an integer. A key that is no number stays as it is, so that `AlbertConfig.validate` can name it."""
    try:
        return int(key)
    except ValueError:
        return key
