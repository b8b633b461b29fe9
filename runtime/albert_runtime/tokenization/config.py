"""The settings of the tokenizer in a checkpoint or a bundle."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_runtime.errors import UnsupportedError, listed
from albert_runtime.tokenization.added_tokens_files import read_tokens
from albert_runtime.tokenization.added_vocabulary import AddedToken

CONFIG_FILE = "tokenizer_config.json"

_logger = logging.getLogger("albert_runtime")

#: the values of "tokenizer_class" that mean this tokenizer
_CLASSES = (None, "AlbertTokenizer", "AlbertTokenizerFast")
#: key of "sp_model_kwargs" -> the values that leave the pieces of a text as they are; None for any value
_HARMLESS_SENTENCEPIECE_OPTIONS: Mapping[str, tuple[Any, ...] | None] = {
    "add_bos": (False,),
    "add_eos": (False,),
    "reverse": (False,),
    "emit_unk_piece": (False,),
    "enable_sampling": (False,),
    # These two have an effect only if sampling is enabled.
    "alpha": None,
    "nbest_size": None,
    "num_threads": None,
}


@dataclass(frozen=True)
class TokenizerConfig:
    """The settings in tokenizer_config.json that an ALBERT tokenizer needs."""

    do_lower_case: bool = True
    remove_space: bool = True
    keep_accents: bool = False
    #: the most tokens in a sequence; Hugging Face writes 1e30 for "no limit". None if the file does not say.
    model_max_length: int | None = None
    #: the special tokens and the tokens that were added to the vocabulary
    added_tokens: tuple[AddedToken, ...] = ()
    #: those of them that are special, besides the special tokens of ALBERT
    additional_special_tokens: tuple[str, ...] = ()


#: the settings that are read as they are
_PLAIN_SETTINGS = ("do_lower_case", "remove_space", "keep_accents")


def read_tokenizer_config(folder: Path, special_tokens: Mapping[str, str]) -> TokenizerConfig:
    """The settings in `folder`; if the file or a setting is absent, the default is used.

    Every setting that makes Hugging Face's tokenizer give other ids is either followed or refused, and so are the
    tokens in special_tokens_map.json, added_tokens.json and tokenizer.json, where Hugging Face reads these files.

    Args:
        folder: the folder of tokenizer_config.json.
        special_tokens: role -> the token that it must have ("cls_token" -> "[CLS]").

    Raises:
        UnsupportedError: a file can't be read, or asks for a tokenizer that gives other ids than this one; the message
            lists every such setting.
    """
    file = folder / CONFIG_FILE
    settings = _read_object(file)
    found: dict[str, Any] = {name: settings[name] for name in _PLAIN_SETTINGS if name in settings}
    # Hugging Face's tokenizer only asks whether they are true, so null means false, also where the default is true.
    found |= {name: bool(value) for name, value in found.items() if value in (None, 0, 1)}
    problems = [
        f"{name} is {found[name]!r}, and must be true or false"
        for name in _PLAIN_SETTINGS
        if not isinstance(found.get(name, True), bool)
    ]
    # Hugging Face reads the limit under its older name "max_len" too.
    length = settings.get("model_max_length")
    length = settings.get("max_len") if length is None else length
    if isinstance(length, float) and length.is_integer():
        length = int(length)
    found["model_max_length"] = length
    if length is not None and (isinstance(length, bool) or not isinstance(length, int) or length < 1):
        problems.append(f"model_max_length is {length!r}, and must be a positive whole number")
    tokens = read_tokens(settings, folder, special_tokens, _read_object)
    found["added_tokens"], found["additional_special_tokens"] = tuple(tokens.tokens), tuple(tokens.additional)
    problems += tokens.problems
    problems += _behaviour_problems(settings)
    if problems:
        raise UnsupportedError(listed(f"{file} asks for a tokenizer that can't be made:", problems))
    if settings.get("padding_side") == "left":
        _warn_of_left_padding(file)
    return TokenizerConfig(**found)


def _behaviour_problems(settings: Mapping[str, Any]) -> list[str]:
    """The settings that make a tokenizer split texts, or cut them, in another way."""
    problems = []
    kind = settings.get("tokenizer_class")
    if kind not in _CLASSES:
        problems.append(
            f"tokenizer_class is {kind!r}; only AlbertTokenizer and AlbertTokenizerFast are supported; if the model "
            "was trained with spiece.model, set it to AlbertTokenizer"
        )
    if settings.get("padding_side", "right") not in ("left", "right", None):
        problems.append(f"padding_side is {settings['padding_side']!r}; it must be 'left' or 'right'")
    if settings.get("truncation_side", "right") not in ("right", None):
        problems.append(
            f"truncation_side is {settings['truncation_side']!r}; only 'right' is supported: 'left' "
            "would keep other tokens of long texts"
        )
    if settings.get("split_special_tokens"):
        problems.append(
            'split_special_tokens is true, so that a "[SEP]" or "[MASK]" in a text is split like a word; '
            "this is not supported"
        )
    if settings.get("add_prefix_space") is False:
        problems.append(
            "add_prefix_space is false, which Hugging Face's fast tokenizer follows and its slow one does not; "
            "only true is supported, where both give the same ids"
        )
    options = settings.get("sp_model_kwargs") or {}
    if not isinstance(options, Mapping):
        return [*problems, f"sp_model_kwargs is {options!r}, and must be a table"]
    for name, value in options.items():
        harmless = _HARMLESS_SENTENCEPIECE_OPTIONS.get(name, ())
        if harmless is not None and value not in harmless:
            reason = " (it splits the same text in another way each time)" if name == "enable_sampling" else ""
            problems.append(f"sp_model_kwargs sets {name} to {value!r}{reason}, which is not supported")
    return problems


@functools.lru_cache(maxsize=64)
def _warn_of_left_padding(file: Path) -> None:
    """Logs what left padding means, once for each file.

    The mask hides padding on either side, but Hugging Face's ALBERT counts positions from the beginning of the row, so
    that a text behind padding has higher ones. Padding on the right gives what a text gives that is not padded at all.
    """
    _logger.warning(
        "%s: padding_side is 'left'; answers are those of texts without padding, which training on padded batches may "
        "have seen at other positions",
        file,
    )


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
