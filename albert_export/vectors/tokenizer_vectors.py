"""The vectors of a tokenizer: what it makes of texts, pairs, windows, given words and ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from albert_export.vectors.text_positions import utf16_spans
from albert_export.vectors.texts import PAIRS, PASSAGE, TEXTS, WORD_LISTS
from albert_runtime import AlbertTokenizer, Encoding
from albert_runtime.tokenization.given_words import encode_words, locate_words

_QUESTION = "Where does Clara work?"
#: the tokens that are left for the text which windows cut
_ROOM = 16


def tokenizer_inputs(tokenizer: AlbertTokenizer) -> dict[str, list[dict[str, Any]]]:
    """The name of each section -> what its records are made from."""
    added = sorted(token.content for token in tokenizer.vocabulary.added.tokens)
    texts = [*TEXTS.values(), *_texts_with(added)]
    words = [list(words) for words in WORD_LISTS]
    ids = [tokenizer.encode(text) for text in texts]
    return {
        "tokenizer": [
            *({"text": text, "pair": None} for text in texts),
            *({"text": text, "pair": pair} for text, pair in PAIRS),
        ],
        "windows": [*_window_inputs(tokenizer)],
        "words": [{"words": one} for one in words],
        "decode": [{"ids": one, "skip_special_tokens": skip} for one in ids for skip in (False, True)],
    }


def _texts_with(added: Sequence[str]) -> Iterator[str]:
    """Texts in which the added tokens of a bundle stand: alone, between spaces, inside of words, in other letters."""
    for token in added[:8]:
        yield f"a {token} b{token}c  {token}"
        if token.swapcase() != token:
            yield f"{token.swapcase()} {token}{token}"


def _window_inputs(tokenizer: AlbertTokenizer) -> Iterator[dict[str, Any]]:
    """Texts and pairs that are cut, by every rule, with the options of `AlbertTokenizer.__call__`."""
    pair = {"text": _QUESTION, "pair": f"{PASSAGE} {PASSAGE}"}
    length = len(tokenizer.encode(_QUESTION, "")) + _ROOM
    for overflow in (True, False):
        yield {
            **pair,
            "truncation": "only_second",
            "max_length": length,
            "stride": 6,
            "return_overflowing_tokens": overflow,
        }
        alone = {"text": PASSAGE, "pair": None, "max_length": _ROOM, "return_overflowing_tokens": overflow}
        yield {**alone, "truncation": "only_first", "stride": 0}
        yield {**alone, "truncation": "longest_first", "stride": 5}
    yield {**pair, "truncation": "longest_first", "max_length": _ROOM, "stride": 0, "return_overflowing_tokens": False}


def tokenizer_record(tokenizer: AlbertTokenizer, section: str, given: dict[str, Any]) -> dict[str, Any]:
    """The record of a section, made from what `tokenizer_inputs` gives, or from another record of that section."""
    if section == "tokenizer":
        (encoding,) = tokenizer(given["text"], given["pair"]).encodings
        return {"text": given["text"], "pair": given["pair"], **_record(encoding, given["text"], given["pair"])}
    if section == "windows":
        options = {name: given[name] for name in ("truncation", "max_length", "stride", "return_overflowing_tokens")}
        encodings = tokenizer(given["text"], given["pair"], **options).encodings
        records = [_record(encoding, given["text"], given["pair"]) for encoding in encodings]
        return {"text": given["text"], "pair": given["pair"], **options, "encodings": records}
    if section == "words":
        text, spans = locate_words(given["words"])
        return {"words": given["words"], "encoding": _record(encode_words(tokenizer, given["words"], spans), text)}
    text = tokenizer.decode(given["ids"], skip_special_tokens=given["skip_special_tokens"])
    return {"ids": given["ids"], "skip_special_tokens": given["skip_special_tokens"], "text": text}


def _record(encoding: Encoding, text: str, pair: str | None = None) -> dict[str, Any]:
    """An encoding as JSON types, with its spans in characters and in UTF-16 code units."""
    return {
        "tokens": list(encoding.tokens),
        "ids": list(encoding.ids),
        "type_ids": list(encoding.type_ids),
        "special_tokens_mask": list(encoding.special_tokens_mask),
        "spans": [list(span) for span in encoding.offsets],
        "spans_utf16": utf16_spans(encoding, text, pair),
        "word_ids": list(encoding.word_ids),
        "sequence_ids": list(encoding.sequence_ids),
    }
