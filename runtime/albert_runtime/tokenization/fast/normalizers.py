"""The normalizers of a tokenizer.json: each is a function of the text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.aligned_text import AlignedText, NormalizationForm
from albert_runtime.tokenization.bert_normalizer import is_chinese
from albert_runtime.tokenization.fast.precompiled_charsmap import PrecompiledCharsmap

Normalize = Callable[[AlignedText], AlignedText]

_FORMS: tuple[NormalizationForm, ...] = ("NFC", "NFD", "NFKC", "NFKD")


def read_normalizer(record: Any) -> Normalize:
    """The normalizer that `record`, a part of a tokenizer.json, describes; null leaves the text as it is.

    Raises:
        UnsupportedError: there is no such normalizer, or it is written in another way.
    """
    if record is None:
        return lambda text: text
    kind = record.get("type") if isinstance(record, Mapping) else record
    try:
        form = next((form for form in _FORMS if form == kind), None)
        if form is not None:
            return lambda text: text.normalized(form)
        return _READERS[kind](record)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError, re.error) as error:
        raise UnsupportedError(f"the normalizer {kind!r} in tokenizer.json is not supported ({error!r})") from None


def _sequence(record: Mapping[str, Any]) -> Normalize:
    steps = [read_normalizer(step) for step in record["normalizers"]]

    def normalize(text: AlignedText) -> AlignedText:
        for step in steps:
            text = step(text)
        return text

    return normalize


def _replace(record: Mapping[str, Any]) -> Normalize:
    [(kind, given)] = record["pattern"].items()
    pattern = re.compile(re.escape(given) if {"String": True, "Regex": False}[kind] else given)
    content = str(record["content"])
    return lambda text: text.replaced(pattern, content)


def _strip(record: Mapping[str, Any]) -> Normalize:
    left, right = bool(record["strip_left"]), bool(record["strip_right"])

    def normalize(text: AlignedText) -> AlignedText:
        text = text.lstrip() if left else text
        return text.rstrip() if right else text

    return normalize


def _bert(record: Mapping[str, Any]) -> Normalize:
    lower = record.get("lowercase", True)
    accents = record.get("strip_accents")
    clean, chinese = record.get("clean_text", True), record.get("handle_chinese_chars", True)

    def normalize(text: AlignedText) -> AlignedText:
        if clean:
            text = text.map_characters(_cleaned)
        if chinese:
            text = text.map_characters(lambda one: f" {one} " if is_chinese(one) else one)
        if lower if accents is None else accents:
            text = text.normalized("NFD").map_characters(lambda one: "" if unicodedata.category(one) == "Mn" else one)
        return text.map_characters(str.lower) if lower else text

    return normalize


def _cleaned(character: str) -> str:
    if character in "\0\ufffd" or (character not in "\t\n\r" and unicodedata.category(character)[0] == "C"):
        return ""
    return " " if character.isspace() else character


def _without_marks(character: str) -> str:
    """Hugging Face drops marks of every kind, those that take space too: the vowel signs of Hindi are among them."""
    return "" if unicodedata.category(character)[0] == "M" else character


_READERS: Mapping[Any, Callable[[Mapping[str, Any]], Normalize]] = {
    "Sequence": _sequence,
    "Replace": _replace,
    "Strip": _strip,
    "BertNormalizer": _bert,
    "Precompiled": lambda record: PrecompiledCharsmap(record["precompiled_charsmap"] or ""),
    "StripAccents": lambda record: partial(AlignedText.map_characters, change=_without_marks),
    "Lowercase": lambda record: partial(AlignedText.map_characters, change=str.lower),
}
