"""The normalization of a text before SentencePiece splits it.

The steps and their order are those of `preprocess_text` in Google's ALBERT (tokenization.py) and of Hugging Face's slow
`AlbertTokenizer`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from albert_runtime.tokenization.aligned_text import AlignedText

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_QUOTE_PAIRS = ("``", "''")


def replace_surrogates(text: str) -> str:
    """`text` with U+FFFD in place of every lone surrogate, which UTF-8 and therefore SentencePiece can't encode.

    The length stays the same.
    """
    return _LONE_SURROGATES.sub("\ufffd", text)


def without_accents(character: str) -> str:
    """The compatibility decomposition (NFKD) of one character without its combining marks; "" for a combining mark."""
    return "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))


@dataclass(frozen=True)
class Normalizer:
    """Normalizes texts by the three options of an ALBERT tokenizer."""

    do_lower_case: bool = True
    remove_space: bool = True
    keep_accents: bool = False

    def normalize(self, text: AlignedText) -> AlignedText:
        """`text` with plain quotes and, as the options say, squeezed white space, no accents, and in lower case."""
        if self.remove_space:
            text = text.squeeze_spaces()
        text = text.merge_pairs(_QUOTE_PAIRS, '"')
        if not self.keep_accents and not text.text.isascii():
            # Decomposing one character at a time gives the same as decomposing the whole text: NFKD reorders only
            # combining marks, and all of them are dropped.
            text = text.map_characters(without_accents)
        if self.do_lower_case:
            text = text.lower()
        return text
