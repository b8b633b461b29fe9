"""The `tokenizer.json` of Hugging Face's fast tokenizers, made from a WordPiece vocabulary and BERT's rules.

The fast tokenizer returns the same ids as the slow BertTokenizer. The library's own components for BERT do not: its
`BertNormalizer` knows no NFC, strips accents before it lower-cases, and together with `BertPreTokenizer` takes other
characters for control characters, marks and punctuation. So each step of `albert_runtime`'s `BertNormalizer` is written
as a step of its own, with the characters that it applies to.

Two things have no counterpart. Where the text is not lower-cased, "[MA\u200bSK]", with a control character inside,
becomes a special token in the slow tokenizer. And the library's NFC and NFD are those of an older Unicode: of the
characters of Unicode 14, it does not take U+11938, a vowel sign of Dives Akuru, apart.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from albert_converters.tokenizer.fast_added_tokens import FastAddedTokens, character_class, replace_pattern
from albert_runtime.tokenization.bert_normalizer import BertNormalizer, clean, is_chinese, is_punctuation
from albert_runtime.tokenization.wordpiece_model import CONTINUATION, LONGEST_WORD, WordPieceModel

#: the punctuation of ASCII as the members of a character class, which must not end before its "]"
_ASCII_PUNCTUATION = r"!-/:-@\[-`{-~"


def wordpiece_tokenizer_json(
    model: WordPieceModel, normalizer: BertNormalizer, *, added: FastAddedTokens, post_processor: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the content of a tokenizer.json.

    Args:
        model: the vocabulary.
        normalizer: the options of the BertTokenizer.
        added: the special and the added tokens.
        post_processor: adds the special tokens to sequences.
    """
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added.records,
        "normalizer": {"type": "Sequence", "normalizers": [*added.normalizers, *_normalizers(normalizer, added)]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": _splits(normalizer)},
        "post_processor": post_processor,
        # transformers itself drops the spaces before punctuation; `cleanup` would turn "do not" into "don't" as well
        "decoder": {"type": "WordPiece", "prefix": CONTINUATION, "cleanup": False},
        "model": {
            "type": "WordPiece",
            "unk_token": model.unknown_piece,
            "continuing_subword_prefix": CONTINUATION,
            "max_input_chars_per_word": LONGEST_WORD,
            # where a piece stands on several lines, only the last of them is in the vocabulary
            "vocab": {model.piece_of(index): index for index in range(len(model))}
            | {model.unknown_piece: model.id_of(model.unknown_piece)},
        },
    }


def _normalizers(normalizer: BertNormalizer, added: FastAddedTokens) -> list[dict[str, Any]]:
    """Return the steps of `BertNormalizer` that change characters."""
    kept = added.reserved_characters()
    steps = [
        replace_pattern(_class_of(lambda character: not clean(character) and character not in kept), ""),
        replace_pattern(_class_of(lambda character: clean(character) == " "), " "),
    ]
    if normalizer.do_lower_case:
        # The slow tokenizer lower-cases each character by itself, as this does, before it comes to its normalizer.
        # Characters that are newer than this Python's Unicode are gone by now: they might have a lower case here.
        steps.append({"type": "Lowercase"})
    steps.append({"type": "NFC"})
    if normalizer.strips_accents:
        steps += [{"type": "NFD"}, replace_pattern(_class_of(lambda one: unicodedata.category(one) == "Mn"), "")]
    return steps


def _splits(normalizer: BertNormalizer) -> list[dict[str, Any]]:
    """Return the steps that split the normalized text into words."""
    punctuation = _class_of(lambda character: is_punctuation(character) and not character.isascii())
    steps = [
        _split(_class_of(str.isspace) + "+", "Removed"),
        _split(f"[{_ASCII_PUNCTUATION}{punctuation[1:-1]}]", "Isolated"),
    ]
    if normalizer.tokenize_chinese_chars:
        # Normalization turns a Chinese character into nothing but another one, so they can be split here, at the end.
        steps.append(_split(_class_of(is_chinese), "Isolated"))
    return steps


def _split(pattern: str, behavior: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": False}


def _class_of(belongs: Callable[[str], object]) -> str:
    """Return a character class without surrogates, which no file can hold."""
    return character_class(lambda character: not "\ud800" <= character <= "\udfff" and belongs(character))
