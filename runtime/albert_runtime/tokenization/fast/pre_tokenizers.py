"""The pre-tokenizers of a tokenizer.json: each splits a text into words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.bert_normalizer import is_punctuation
from albert_runtime.tokenization.piece_model import WORD_START

#: one text -> its words
Split = Callable[[AlignedText], list[AlignedText]]

_WORD = re.compile(r"\S+")
_WORD_OR_MARKS = re.compile(r"\w+|[^\w\s]+")
_METASPACE_WORD = re.compile(f"{WORD_START}?[^{WORD_START}]*")


def read_pre_tokenizer(record: Any) -> Split:
    """The pre-tokenizer that `record`, a part of a tokenizer.json, describes; null leaves the text whole.

    Raises:
        UnsupportedError: there is no such pre-tokenizer, or it is written in another way.
    """
    if record is None:
        return lambda text: [text] if text.text else []
    kind = record.get("type") if isinstance(record, Mapping) else record
    try:
        return _READERS[kind](record)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise UnsupportedError(f"the pre-tokenizer {kind!r} in tokenizer.json is not supported ({error!r})") from None


def _sequence(record: Mapping[str, Any]) -> Split:
    steps = [read_pre_tokenizer(step) for step in record["pretokenizers"]]

    def split(text: AlignedText) -> list[AlignedText]:
        words = [text] if text.text else []
        for step in steps:
            words = [part for word in words for part in step(word)]
        return words

    return split


def _metaspace(record: Mapping[str, Any]) -> Split:
    if record.get("replacement") != WORD_START:
        raise ValueError(f"replacement is {record.get('replacement')!r}")
    scheme = record.get("prepend_scheme") or ("always" if record.get("add_prefix_space", True) else "never")
    if scheme not in ("always", "first", "never"):
        raise ValueError(f"prepend_scheme is {scheme!r}")
    splits = record.get("split", True)

    def split(text: AlignedText) -> list[AlignedText]:
        if " " in text.text:
            text = replace(text, text=text.text.replace(" ", WORD_START))
        begins = scheme == "always" or (scheme == "first" and bool(len(text.starts)) and text.starts[0] == 0)
        if begins and text.text and not text.text.startswith(WORD_START):
            text = text.prefixed(WORD_START)
        return list(_matches(_METASPACE_WORD, text)) if splits else [text] if text.text else []

    return split


def _bert(text: AlignedText) -> list[AlignedText]:
    words = []
    for word in _matches(_WORD, text):
        start = 0
        for place, character in enumerate(word.text):
            if is_punctuation(character):
                words += [word.part(start, place), word.part(place, place + 1)]
                start = place + 1
        words.append(word.part(start, len(word.text)))
    return [word for word in words if word.text]


def _matches(pattern: re.Pattern[str], text: AlignedText) -> Iterator[AlignedText]:
    """The parts of `text` that match; none is empty."""
    return (text.part(*match.span()) for match in pattern.finditer(text.text) if match.group())


_READERS: Mapping[Any, Callable[[Mapping[str, Any]], Split]] = {
    "Sequence": _sequence,
    "Metaspace": _metaspace,
    "WhitespaceSplit": lambda record: lambda text: list(_matches(_WORD, text)),
    "Whitespace": lambda record: lambda text: list(_matches(_WORD_OR_MARKS, text)),
    "BertPreTokenizer": lambda record: _bert,
}
