"""The normalization of a text before WordPiece splits its words.

The steps and their order are those of `BasicTokenizer` in Google's BERT (tokenization.py) and in Hugging Face's slow
`BertTokenizer` (transformers 4.57).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from albert_runtime.tokenization.aligned_text import AlignedText

#: the first and the last code point of each block of Chinese characters; kana and Hangul are not among them
_CHINESE_BLOCKS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
#: what `str.split` takes for a word
_WORD = re.compile(r"\S+")


def is_chinese(character: str) -> bool:
    """Whether `character` is in one of the Chinese blocks of BERT."""
    return any(first <= ord(character) <= last for first, last in _CHINESE_BLOCKS)


def is_punctuation(character: str) -> bool:
    """Whether `character` is a word of its own: Unicode's punctuation, and all symbols of ASCII, such as "$"."""
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    return unicodedata.category(character).startswith("P")


def clean(character: str) -> str:
    """A space for white space; "" for a control character, one that is not assigned, or U+FFFD."""
    if character in " \t\n\r":
        return " "
    category = unicodedata.category(character)
    if category.startswith("C") or character == "\ufffd":
        return ""
    return " " if category == "Zs" else character


def without_marks(character: str) -> str:
    """The canonical decomposition (NFD) of one character without its nonspacing marks (category Mn)."""
    decomposed = unicodedata.normalize("NFD", character)
    return "".join(part for part in decomposed if unicodedata.category(part) != "Mn")


@dataclass(frozen=True)
class BertNormalizer:
    """Normalizes texts by the options of a BertTokenizer, so that there is white space between all words."""

    do_lower_case: bool = True
    #: None for the value of `do_lower_case`. Voiced kana and Hangul lose their sound mark and their syllables, too.
    strip_accents: bool | None = None
    #: make each Chinese character a word
    tokenize_chinese_chars: bool = True
    #: The words that are left as they are: the special tokens. One that is written in a text is found before, but
    #: "[MA\u200bSK]" becomes one only when control characters are dropped.
    never_split: frozenset[str] = frozenset()

    @property
    def strips_accents(self) -> bool:
        """Whether accents are stripped: what `strip_accents` says, or else `do_lower_case`."""
        return self.do_lower_case if self.strip_accents is None else self.strip_accents

    def normalize(self, text: AlignedText) -> AlignedText:
        """`text` with spaces around Chinese characters and punctuation, in NFC, without control characters.

        As the options say, it is in lower case, and without accents.
        """
        text = text.map_characters(self._clean).compose()
        return self._outside_kept_words(self._outside_kept_words(text, self._change), _set_apart)

    def _clean(self, character: str) -> str:
        cleaned = clean(character)
        return f" {cleaned} " if self.tokenize_chinese_chars and cleaned and is_chinese(cleaned) else cleaned

    def _change(self, text: AlignedText) -> AlignedText:
        """Lower-case `text` and strip its accents, as the options say."""
        if self.do_lower_case:
            # The final sigma depends on the word alone, as white space ends what `str.lower` looks at.
            text = text.lower()
        if self.strips_accents and not text.text.isascii():
            # Decomposing one character at a time gives the same as decomposing the whole word: after NFC, the marks
            # that are kept are in their order already.
            text = text.map_characters(without_marks)
        return text

    def _outside_kept_words(self, text: AlignedText, step: Callable[[AlignedText], AlignedText]) -> AlignedText:
        """`text` after `step`, which leaves the words of `never_split` as they are."""
        if self.never_split.isdisjoint(text.text.split()):
            return step(text)
        parts = []
        end = 0
        for match in _WORD.finditer(text.text):
            if match.group() in self.never_split:
                parts += [step(text.part(end, match.start())), text.part(match.start(), match.end())]
                end = match.end()
        return AlignedText.joined([*parts, step(text.part(end, len(text.text)))])


def _set_apart(text: AlignedText) -> AlignedText:
    """`text` with spaces around punctuation."""
    return text.map_characters(lambda character: f" {character} " if is_punctuation(character) else character)
