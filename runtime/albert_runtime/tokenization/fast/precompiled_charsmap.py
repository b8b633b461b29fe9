"""PrecompiledCharsmap: the normalization rules of SentencePiece, as a tokenizer.json holds and applies them.

The format is that of google/sentencepiece (normalizer.cc, `Normalizer::DecodePrecompiledCharsMap`): the size of a trie
in bytes, the trie, and the replacements, each ended by a zero byte. The trie is a double array in the form of Darts
(darts.h): an array of 32-bit units.
"""

from __future__ import annotations

import base64
import binascii
import struct
import unicodedata
from functools import lru_cache

import numpy as np

from albert_runtime.errors import UnsupportedError
from albert_runtime.tokenization.aligned_text import AlignedText

#: A sequence of characters is looked up as a whole only if it has fewer bytes than this.
_LONGEST_SEQUENCE = 6
#: categories of the characters that marks do not join: control characters, and the ends of lines and paragraphs
_ALONE = ("Cc", "Cf", "Zl", "Zp")
_ZERO_WIDTH_JOINERS = "\u200c\u200d"


class PrecompiledCharsmap:
    """The rules, applied as Hugging Face's `Precompiled` normalizer does.

    A short sequence of a character and its marks is looked up first, and the rule of its shortest beginning replaces
    all of it; after that, each character is looked up by itself. SentencePiece takes the longest rule at each place.
    """

    def __init__(self, encoded: str) -> None:
        """Decode the rules, which are written in base64.

        Raises:
            UnsupportedError: the text is damaged.
        """
        try:
            content = base64.b64decode(encoded, validate=True)
            [size] = struct.unpack_from("<I", content)
            self._units: list[int] = np.frombuffer(content, "<u4", size // 4, offset=4).tolist()
            self._replacements = content[4 + size :]
        except (binascii.Error, struct.error, ValueError) as error:
            raise UnsupportedError(f"precompiled_charsmap is damaged ({error})") from None
        if size % 4 or not self._units or not self._replacements.endswith(b"\0"):
            raise UnsupportedError("precompiled_charsmap is damaged: it does not hold a trie and its replacements")
        self._replace = lru_cache(maxsize=1 << 16)(self._look_up)

    def __call__(self, text: AlignedText) -> AlignedText:
        """`text` with every rule applied once."""
        if "\r\n" not in text.text and not any(map(_joins, set(text.text))):
            return text.map_characters(self._replace_character)
        found: list[str] = []
        first: list[int] = []
        last: list[int] = []
        start = 0
        while start < len(text.text):
            end = _sequence_end(text.text, start)
            whole = self._replace(text.text[start:end]) if end > start + 1 else None
            for begin, stop in [(start, end)] if whole is not None else [(at, at + 1) for at in range(start, end)]:
                given = text.text[begin:stop]
                replacement = self._replace(given) if stop == begin + 1 else whole
                changed = given if replacement is None else replacement
                found.append(changed)
                first += [begin] * len(changed)
                last += [stop - 1] * len(changed)
                if not changed and last:  # what is dropped belongs to the character before it
                    last[-1] = max(last[-1], stop - 1)
            start = end
        joined = "".join(found)
        return text if joined == text.text else AlignedText(joined, text.starts[first], text.ends[last])

    def _replace_character(self, character: str) -> str:
        replacement = self._replace(character)
        return character if replacement is None else replacement

    def _look_up(self, characters: str) -> str | None:
        """The replacement of the shortest beginning of `characters` that has one."""
        units = self._units
        try:
            position = _offset(units[0])
            for byte in characters.encode():
                if not byte:
                    return None
                position ^= byte
                unit = units[position]
                if unit & 0x800000FF != byte:  # the label of the unit; the highest bit marks a value
                    return None
                position ^= _offset(unit)
                if unit >> 8 & 1:
                    begin = units[position] & 0x7FFFFFFF
                    return self._replacements[begin : self._replacements.index(b"\0", begin)].decode("utf-8", "replace")
        except (IndexError, ValueError):  # a damaged trie leads out of its arrays
            return None
        return None


def _offset(unit: int) -> int:
    """Where the units of the following bytes begin, relative to the position of `unit`."""
    return (unit >> 10) << ((unit & (1 << 9)) >> 6)


def _sequence_end(text: str, start: int) -> int:
    """The end of the sequence at `start` if it is short enough to be looked up: a character and its marks."""
    end = start + 1
    if text[start : start + 2] == "\r\n":
        return start + 2
    if unicodedata.category(text[start]) in _ALONE:
        return end
    while end < len(text) and _joins(text[end]):
        end += 1
    if end == start + 1 or len(text[start:end].encode()) >= _LONGEST_SEQUENCE:
        return start + 1
    return end


def _joins(character: str) -> bool:
    """Whether a character forms one sequence with the one before it (approximates Unicode's grapheme clusters)."""
    return character >= "\u0300" and (unicodedata.category(character)[0] == "M" or character in _ZERO_WIDTH_JOINERS)
