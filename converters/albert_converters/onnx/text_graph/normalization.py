"""The tokenizer's rules for single characters as rules of SentencePiece, which its own library applies.

The runtime lower-cases a text, decomposes its characters and drops their accents, and then SentencePiece applies the
rules of its model. All these steps change one character at a time, but for a few sequences. Their composition is
therefore one table of rules, and SentencePiece applies the longest rule at each place.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import sentencepiece

from albert_converters.tokenizer.sentencepiece_proto import CHARSMAP, NORMALIZER, fields
from albert_runtime.tokenization.normalizer import without_accents

#: what the normalizer of the runtime makes of two quotes
_QUOTE_PAIRS = ("``", "''")
_QUOTE = '"'
#: categories of code points that are no characters
_NO_CHARACTERS = ("Cs", "Co", "Cn")


@dataclass(frozen=True)
class CharacterRules:
    """The options of a tokenizer that its rules for characters follow from."""

    lower_case: bool
    remove_space: bool
    keep_accents: bool
    #: two quotes become one, as in ALBERT's own tokenizer
    merge_quotes: bool
    #: the rules of the SentencePiece model: characters -> what replaces them
    model_rules: Mapping[str, str] = field(repr=False)

    def rules(self) -> dict[str, str]:
        """Characters -> what replaces them, for one character and for sequences that give another result together."""
        apply = _longest_first(self.model_rules)
        before_model = lru_cache(maxsize=None)(self._before_model)
        single = {}
        for code in range(1, sys.maxunicode + 1):
            character = chr(code)
            if unicodedata.category(character) in _NO_CHARACTERS and character not in self.model_rules:
                continue
            changed = apply(before_model(character))
            if changed != character:
                single[character] = changed
        found = dict(single)
        sequences = [key for key in self.model_rules if len(key) > 1]
        if self.merge_quotes:
            found |= dict.fromkeys(_QUOTE_PAIRS, apply(self._before_model(_QUOTE)))
        for sequence in sequences:
            changed = apply("".join(map(before_model, sequence)))
            if changed != "".join(single.get(character, character) for character in sequence):
                found[sequence] = changed
        return found

    def _before_model(self, character: str) -> str:
        """What the runtime makes of one character before SentencePiece sees it."""
        if self.remove_space and character.isspace():
            return " "
        if self.lower_case:
            character = "".join(map(str.lower, character))
        if not self.keep_accents:
            character = "".join(map(without_accents, character))
        return character.lower() if self.lower_case else character


def model_rules(content: bytes) -> dict[str, str]:
    """The rules for normalization of `content`, a spiece.model: characters -> what replaces them."""
    normalizer = dict(fields(next((value for key, value in fields(content) if key == NORMALIZER), b"")))  # type: ignore[arg-type]
    if not normalizer.get(CHARSMAP):
        return {}
    return dict(sentencepiece.SentencePieceNormalizer(model_proto=content).decompile())


def compiled(rules: Mapping[str, str]) -> bytes:
    """`rules` as SentencePiece stores and applies them."""
    if not rules:
        return b""
    spec = sentencepiece.SentencePieceNormalizer(norm_map=list(rules.items())).serialized_normalizer_spec()
    content = dict(fields(spec))[CHARSMAP]
    assert isinstance(content, bytes)
    return content


def _longest_first(rules: Mapping[str, str]) -> Callable[[str], str]:
    """The function that applies the longest rule at each place of a text."""
    #: the first character of longer rules -> their lengths, the longest first
    lengths: dict[str, list[int]] = {}
    for first, length in sorted({(key[0], len(key)) for key in rules if len(key) > 1}, reverse=True):
        lengths.setdefault(first, []).append(length)

    def apply(text: str) -> str:
        if len(text) == 1:
            return rules.get(text, text)
        parts, start = [], 0
        while start < len(text):
            known = (length for length in lengths.get(text[start], ()) if text[start : start + length] in rules)
            length = next(known, 1)
            given = text[start : start + length]
            parts.append(rules.get(given, given))
            start += length
        return "".join(parts)

    return apply


def spellings(content: str, *, any_case: bool, most: int) -> Iterable[str]:
    """The spellings of a token: itself, and with each letter in upper case if `any_case` says so.

    Tokens with more than `most` spellings are found as they are, in upper case and with a capital.
    """
    if not any_case:
        return [content]
    letters = [{letter, letter.upper()} if letter.upper().lower() == letter else {letter} for letter in content]
    count = 1
    for choices in letters:
        count *= len(choices)
    if count > most:
        return {content, content.upper(), content.capitalize()}
    found = [""]
    for choices in letters:
        found = [start + letter for start in found for letter in choices]
    return found
