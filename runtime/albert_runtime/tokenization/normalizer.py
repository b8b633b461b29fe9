"""What happens to a text before SentencePiece sees it.

The steps are those of `preprocess_text` in Google's ALBERT (tokenization.py) and of Hugging Face's slow
`AlbertTokenizer`, in the same order.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from albert_runtime.tokenization.aligned_text import AlignedText

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_QUOTE_PAIRS = ("``", "''")


def replace_surrogates(text: str) -> str:
    """`text` with U+FFFD for every lone surrogate, which UTF-8 (and so SentencePiece) can't hold. Same length."""
    return _LONE_SURROGATES.sub("\ufffd", text)


def without_accents(character: str) -> str:
    """The compatibility decomposition (NFKD) of one character, less its combining marks; "" for a mark."""
    return "".join(part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part))


@dataclass(frozen=True)
class Normalizer:
    """The three options of an ALBERT tokenizer, and what they do to a text."""

    do_lower_case: bool = True
    remove_space: bool = True
    keep_accents: bool = False

    def normalize(self, text: AlignedText) -> AlignedText:
        """`text` squeezed, with plain quotes, without accents, and in lower case, as far as the options say so."""
        if self.remove_space:
            text = text.squeeze_spaces()
        text = text.merge_pairs(_QUOTE_PAIRS, '"')
        if not self.keep_accents and not text.text.isascii():
            # One character at a time equals the whole text at once: only combining marks change places in NFKD,
            # and all of them go.
            text = text.map_characters(without_accents)
        if self.do_lower_case:
            text = text.lower()
        return text
