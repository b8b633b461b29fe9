"""The settings of the tokenizer in a checkpoint or a bundle."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from albert_runtime.errors import UnsupportedError, listed
from albert_runtime.failed_downloads import failed_download
from albert_runtime.packed.path import BundlePath
from albert_runtime.tokenization.added_tokens_files import read_tokens
from albert_runtime.tokenization.added_vocabulary import AddedToken
from albert_runtime.tokenization.bert_normalizer import BertNormalizer
from albert_runtime.tokenization.fast.rules import FastRules
from albert_runtime.tokenization.special_tokens import (
    ALBERT_TOKENS,
    TOKEN_OF_ROLE,
    WORDPIECE_TOKEN_OF_ROLE,
    SpecialTokens,
)

CONFIG_FILE = "tokenizer_config.json"
FAST_TOKENIZER_FILE = "tokenizer.json"

_logger = logging.getLogger("albert_runtime")

#: the value of "tokenizer_class" -> whether the vocabulary is WordPiece's (a vocab.txt), and not SentencePiece's
_CLASSES: Mapping[str, bool] = {
    "AlbertTokenizer": False,
    "BertTokenizer": True,
    # Its "basic" kind, see `_behaviour_problems`.
    "BertJapaneseTokenizer": True,
}
#: the field of this project, which Hugging Face ignores, and its values: texts are split as tokenizer.json says, or by
#: SentencePiece alone
RULES_FIELD, FAST_RULES, SENTENCEPIECE_RULES = "tokenizer_rules", "fast", "sentencepiece"
#: the inputs that the tokenizer gives; transformers 5 leaves out "token_type_ids" unless they are listed here
INPUT_NAMES_FIELD = "model_input_names"
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
    #: the tokens that have a role
    special_tokens: SpecialTokens = ALBERT_TOKENS
    #: these and the tokens that were added to the vocabulary
    added_tokens: tuple[AddedToken, ...] = ()
    #: those of them that are special, besides those that have a role
    additional_special_tokens: tuple[str, ...] = ()
    #: how the words of a WordPiece vocabulary are found; None for a vocabulary of SentencePiece
    wordpiece: BertNormalizer | None = None
    #: texts are split as tokenizer.json says, and not as Hugging Face's slow tokenizer does
    follows_tokenizer_json: bool = False
    #: texts are split by SentencePiece alone, without ALBERT's rules
    sentencepiece_only: bool = False
    #: the second text of a pair has token type 1; if False, all types are 0
    gives_token_type_ids: bool = True


#: the settings that are read as they are; null means the default
_FLAGS = ("do_lower_case", "remove_space", "keep_accents", "tokenize_chinese_chars", "strip_accents")


def read_tokenizer_config(
    folder: BundlePath, *, wordpiece: bool | None = None, rules: str | None = None
) -> TokenizerConfig:
    """The settings in `folder`; if the file or a setting is absent, the default is used.

    Every setting that makes Hugging Face's tokenizer give other ids is either followed or refused, and so are the
    tokens in special_tokens_map.json, added_tokens.json and tokenizer.json, where Hugging Face reads these files.

    Args:
        folder: the folder of tokenizer_config.json.
        wordpiece: whether the vocabulary is WordPiece's; None for what "tokenizer_class" says.
        rules: "fast" if texts are split as tokenizer.json says; None for what tokenizer_config.json says. Settings that
            tokenizer.json replaces are not looked at then.

    Raises:
        UnsupportedError: a file can't be read, or asks for a tokenizer that gives other ids than this one; the message
            lists every such setting.
    """
    file = folder / CONFIG_FILE
    settings = _read_object(file)
    kind = str(settings.get("tokenizer_class") or "AlbertTokenizer").removesuffix("Fast")
    is_wordpiece = _CLASSES.get(kind, False) if wordpiece is None else wordpiece
    found: dict[str, Any] = {name: settings[name] for name in _FLAGS if name in settings}
    if found.get("strip_accents", "") is None:
        del found["strip_accents"]  # it is what do_lower_case is
    # Hugging Face's tokenizer only asks whether they are true, so null means false, also where the default is true.
    found |= {name: bool(value) for name, value in found.items() if value in (None, 0, 1)}
    problems = [
        f"{name} is {value!r}, and must be true or false" for name, value in found.items() if type(value) is not bool
    ]
    chinese, accents = found.pop("tokenize_chinese_chars", True), found.pop("strip_accents", None)
    if is_wordpiece:
        japanese = kind == "BertJapaneseTokenizer"  # it has other defaults, and never separates Chinese characters
        found.setdefault("do_lower_case", not japanese)
        found["wordpiece"] = BertNormalizer(found["do_lower_case"], accents, chinese and not japanese)
    found["model_max_length"] = length = _length_limit(settings)
    if length is not None and (isinstance(length, bool) or not isinstance(length, int) or length < 1):
        problems.append(f"model_max_length is {length!r}, and must be a positive whole number")
    usual = WORDPIECE_TOKEN_OF_ROLE if is_wordpiece else TOKEN_OF_ROLE
    tokens = read_tokens(settings, folder, usual, _read_object, mask_takes_space=not is_wordpiece)
    found["special_tokens"] = SpecialTokens.of_roles(tokens.roles)
    found["added_tokens"], found["additional_special_tokens"] = tuple(tokens.tokens), tuple(tokens.additional)
    found["sentencepiece_only"] = settings.get(RULES_FIELD) == SENTENCEPIECE_RULES
    found["follows_tokenizer_json"] = follows = (rules or settings.get(RULES_FIELD)) == FAST_RULES
    found["gives_token_type_ids"] = _gives_token_type_ids(settings)
    problems += _behaviour_problems(settings)
    if not follows:
        problems += [*tokens.problems, *_class_problems(kind, is_wordpiece, settings), *_slow_problems(settings)]
    if problems:
        raise UnsupportedError(listed(f"{file} asks for a tokenizer that can't be made:", problems))
    if settings.get("padding_side") == "left":
        _warn_of_left_padding(file)
    return TokenizerConfig(**found)


def _length_limit(settings: Mapping[str, Any]) -> Any:
    """`model_max_length`, which Hugging Face reads under its older name "max_len" too."""
    length = settings.get("model_max_length")
    length = settings.get("max_len") if length is None else length
    return int(length) if isinstance(length, float) and length.is_integer() else length


def _gives_token_type_ids(settings: Mapping[str, Any]) -> bool:
    """Whether the second text of a pair has token type 1.

    The AlbertTokenizer of transformers 5, whose files name a "backend", gives no types, so its models see zeros.
    """
    names = settings.get(INPUT_NAMES_FIELD)
    if isinstance(names, list):
        return "token_type_ids" in names
    return "backend" not in settings or settings.get("tokenizer_class") != "AlbertTokenizer"


def _class_problems(kind: str, is_wordpiece: bool, settings: Mapping[str, Any]) -> list[str]:
    """What of the tokenizer's class is not supported."""
    if kind == "BertJapaneseTokenizer":
        words, pieces = (settings.get(f"{one}_tokenizer_type") for one in ("word", "subword"))
        if (words or "basic", pieces or "wordpiece") == ("basic", "wordpiece"):
            return []
        return [
            f"tokenizer_class is {kind!r} with word_tokenizer_type {words!r} and subword_tokenizer_type {pieces!r}, "
            "which needs a morphological analyser such as MeCab; only 'basic' with 'wordpiece' is supported. Split the "
            "texts yourself, export with --no-tokenizer, and give the token ids"
        ]
    if _CLASSES.get(kind) == is_wordpiece:
        return []
    if kind in _CLASSES:
        file, other = ("vocab.txt", "BertTokenizer") if is_wordpiece else ("spiece.model", "AlbertTokenizer")
        return [
            f"tokenizer_class is {kind!r}, and the vocabulary is a {file}; if it is right, set the class to {other!r}"
        ]
    return [
        f"tokenizer_class is {kind!r}; supported are {', '.join(_CLASSES)}, and these with Fast; if the model was "
        "trained with spiece.model, set it to AlbertTokenizer, and with vocab.txt, to BertTokenizer"
    ]


def _behaviour_problems(settings: Mapping[str, Any]) -> list[str]:
    """The settings that make a tokenizer split texts, or cut them, in another way."""
    problems = []
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
    return problems


def _slow_problems(settings: Mapping[str, Any]) -> list[str]:
    """The settings that make a slow tokenizer split texts in another way."""
    problems = []
    if settings.get("do_basic_tokenize") is False:
        problems.append(
            "do_basic_tokenize is false, so that texts are split at white space only; this is not supported"
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
def _warn_of_left_padding(file: BundlePath) -> None:
    """Logs what left padding means, once for each file.

    The mask hides padding on either side, but Hugging Face's ALBERT counts positions from the beginning of the row, so
    that a text behind padding has higher ones. Padding on the right gives what a text gives that is not padded at all.
    """
    _logger.warning(
        "%s: padding_side is 'left'; answers are those of texts without padding, which training on padded batches may "
        "have seen at other positions",
        file,
    )


def _read_object(file: BundlePath) -> dict[str, Any]:
    """The JSON object in `file`; an empty one if there is no such file."""
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnsupportedError(
            failed_download(file)
            or f"{file} can't be read as JSON ({error}); repair it, or copy it from the checkpoint again"
        ) from None
    if not isinstance(content, dict):
        raise UnsupportedError(f"{file} holds a JSON {type(content).__name__}, and must hold an object")
    return content


def read_fast_rules(folder: BundlePath) -> FastRules:
    """The rules in the tokenizer.json of `folder`.

    Raises:
        UnsupportedError: the file is missing, can't be read, or has rules that are not supported.
    """
    file = folder / FAST_TOKENIZER_FILE
    if not file.exists():
        raise UnsupportedError(f"{folder} has no {FAST_TOKENIZER_FILE}, which its {CONFIG_FILE} says to follow")
    return FastRules.from_json(_read_object(file), str(file))
