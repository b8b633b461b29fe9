"""The settings of the tokenizer in a checkpoint or a bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_runtime.errors import UnsupportedError, listed

CONFIG_FILE = "tokenizer_config.json"
_ADDED_TOKENS_FILE = "added_tokens.json"


@dataclass(frozen=True)
class TokenizerConfig:
    """The settings in tokenizer_config.json that an ALBERT tokenizer needs."""

    do_lower_case: bool = True
    remove_space: bool = True
    keep_accents: bool = False
    #: the most tokens in a sequence; Hugging Face writes 1e30 for "no limit"
    model_max_length: int = 512


def read_tokenizer_config(folder: Path, special_tokens: Mapping[str, str]) -> TokenizerConfig:
    """The settings in `folder`; if the file or a setting is absent, the default is used.

    Args:
        folder: the folder of tokenizer_config.json.
        special_tokens: role -> the token that it must have ("cls_token" -> "[CLS]").

    Raises:
        UnsupportedError: the file can't be read, or asks for a tokenizer that gives other ids than this one.
    """
    file = folder / CONFIG_FILE
    settings = _read_object(file)
    found = {name: settings[name] for name in TokenizerConfig.__annotations__ if name in settings}
    length = found.get("model_max_length")
    if isinstance(length, float) and length.is_integer():
        found["model_max_length"] = length = int(length)

    problems = [
        f"{name} is {found[name]!r}, and must be true or false"
        for name in ("do_lower_case", "remove_space", "keep_accents")
        if not isinstance(found.get(name, True), bool)
    ]
    if length is None:
        found.pop("model_max_length", None)
    elif isinstance(length, bool) or not isinstance(length, int) or length < 1:
        problems.append(f"model_max_length is {length!r}, and must be a positive whole number")
    for role, expected in special_tokens.items():
        token = _content(settings.get(role, expected))
        if token != expected:
            problems.append(f"{role} is {token!r}; only {expected!r} is supported")
    added = [_content(token) for token in _values(settings.get("added_tokens_decoder"))]
    added += [_content(token) for token in settings.get("additional_special_tokens") or ()]
    added += _read_object(folder / _ADDED_TOKENS_FILE)
    unknown = sorted({str(token) for token in added} - set(special_tokens.values()))
    if unknown:
        problems.append(f"tokens were added to the vocabulary ({', '.join(unknown)}), which is not supported")
    for side in ("padding_side", "truncation_side"):
        if settings.get(side, "right") != "right":
            problems.append(f"{side} is {settings[side]!r}; only 'right' is supported")
    if problems:
        raise UnsupportedError(listed(f"{file} asks for a tokenizer that can't be made:", problems))
    return TokenizerConfig(**found)


def _read_object(file: Path) -> dict[str, Any]:
    """The JSON object in `file`; an empty one if there is no such file."""
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnsupportedError(
            f"{file} can't be read as JSON ({error}); repair it, or copy it from the checkpoint again"
        ) from None
    if not isinstance(content, dict):
        raise UnsupportedError(f"{file} holds a JSON {type(content).__name__}, and must hold an object")
    return content


def _content(token: Any) -> Any:
    """The text of a token, which is written either as a string or as an object with `content`."""
    return token.get("content") if isinstance(token, Mapping) else token


def _values(tokens: Any) -> Sequence[Any]:
    return list(tokens.values()) if isinstance(tokens, Mapping) else []
