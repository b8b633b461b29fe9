"""AlignedText: a text during normalization, with the span of the original text that each character came from.

Normalization drops characters, turns one into several and several into one. Every step returns a new `AlignedText`, so
that each token can be traced back to the characters that the user typed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

#: one of Unicode's normalization forms
NormalizationForm = Literal["NFC", "NFD", "NFKC", "NFKD"]


@dataclass(frozen=True)
class AlignedText:
    """`text`, whose character `i` stands for the characters `starts[i]:ends[i]` of the original text.

    Both arrays are int64 with the shape `[len(text)]` and never decrease. The spans of neighbours may overlap (the two
    letters of a ligature) and may leave gaps (dropped white space).
    """

    text: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, text: str) -> AlignedText:
        """`text` before any normalization, aligned with itself."""
        positions = np.arange(len(text) + 1, dtype=np.int64)
        return cls(text, positions[:-1], positions[1:])

    def part(self, start: int, stop: int) -> AlignedText:
        """The characters `start:stop`."""
        return AlignedText(self.text[start:stop], self.starts[start:stop], self.ends[start:stop])

    @classmethod
    def joined(cls, parts: Sequence[AlignedText]) -> AlignedText:
        """One text of several parts of the same original text, in their order; there is one part at least."""
        return cls(
            "".join(part.text for part in parts),
            np.concatenate([part.starts for part in parts]),
            np.concatenate([part.ends for part in parts]),
        )

    def lstrip(self) -> AlignedText:
        """The text without the white space at its beginning."""
        return self.part(len(self.text) - len(self.text.lstrip()), len(self.text))

    def rstrip(self) -> AlignedText:
        """The text without the white space at its end."""
        return self.part(0, len(self.text.rstrip()))

    def squeeze_spaces(self) -> AlignedText:
        """The text with one space in place of every run of white space, and without white space at either end."""
        squeezed = " ".join(self.text.split())
        if squeezed == self.text:
            return self
        is_space = np.fromiter(map(str.isspace, self.text), np.bool_, len(self.text))
        # The first character of each run of white space is kept; the run at the front is dropped entirely, and the
        # slice drops a space at the end.
        follows_space = np.concatenate(([True], is_space[:-1]))
        kept = np.flatnonzero(~(is_space & follows_space))[: len(squeezed)]
        return AlignedText(squeezed, self.starts[kept], self.ends[kept])

    def merge_pairs(self, pairs: tuple[str, ...], merged: str) -> AlignedText:
        """The text with the character `merged` in place of each of `pairs`, which are two characters long.

        The pairs are replaced in the order given: first every occurrence of the first pair, then the next pair.
        """
        aligned = self
        for pair in pairs:
            text, after = aligned.text, aligned.text.replace(pair, merged)
            if after == text:
                continue
            second = np.zeros(len(text), np.bool_)
            at = text.find(pair)
            while at >= 0:
                second[at + 1] = True
                at = text.find(pair, at + 2)
            kept = ~second
            # A pair ends where its second character ends, which is the character before the next kept one.
            last = np.flatnonzero(np.concatenate((kept[1:], [True])))
            aligned = AlignedText(after, aligned.starts[kept], aligned.ends[last])
        return aligned

    def map_characters(self, change: Callable[[str], str]) -> AlignedText:
        """The text with every character replaced by `change(character)`, which may be empty or several characters.

        The span of a character that is dropped is added to the character before it: the accent of "e" + U+0301 belongs
        to the span of the "e", so that the span of a word includes its accents.
        """
        table = {character: change(character) for character in set(self.text)}
        if all(old == new for old, new in table.items()):
            return self
        changed = list(map(table.__getitem__, self.text))
        lengths = np.fromiter(map(len, changed), np.int64, len(changed))
        sources = np.repeat(np.arange(len(changed)), lengths)
        ends = self.ends[sources]
        dropped = np.flatnonzero(lengths == 0)
        before = np.cumsum(lengths)[dropped] - 1
        dropped, before = dropped[before >= 0], before[before >= 0]
        np.maximum.at(ends, before, self.ends[dropped])
        return AlignedText("".join(changed), self.starts[sources], ends)

    def lower(self) -> AlignedText:
        """The text in lower case. `str.lower` sees the whole text, as it depends on the context for the final sigma."""
        # The context decides which letter a character becomes, but never how many letters, so the spans are right.
        return replace(self.map_characters(str.lower), text=self.text.lower())

    def replaced(self, pattern: re.Pattern[str], content: str) -> AlignedText:
        """The text with `content` in place of each match of `pattern`, whose span all its characters have."""
        parts: list[str] = []
        first: list[int] = []
        last: list[int] = []
        end = 0
        for match in pattern.finditer(self.text):
            start, stop = match.span()
            if start == stop:
                continue
            parts += [self.text[end:start], content]
            first += [*range(end, start), *[start] * len(content)]
            last += [*range(end, start), *[stop - 1] * len(content)]
            end = stop
        if not parts:
            return self
        parts.append(self.text[end:])
        first += range(end, len(self.text))
        last += range(end, len(self.text))
        return AlignedText("".join(parts), self.starts[first], self.ends[last])

    def prefixed(self, prefix: str) -> AlignedText:
        """The text, which is not empty, behind the character `prefix`, which stands for nothing."""
        place = self.starts[:1]
        return AlignedText(prefix + self.text, np.concatenate((place, self.starts)), np.concatenate((place, self.ends)))

    def normalized(self, form: NormalizationForm) -> AlignedText:
        """The text in one of Unicode's normalization forms."""
        if form == "NFC":
            return self.compose()
        if form == "NFKC":
            return self.normalized("NFKD").compose()
        text = self.map_characters(lambda one: unicodedata.normalize(form, one))
        whole = unicodedata.normalize(form, self.text)
        if text.text == whole:
            return text
        # The marks behind a character are in another order now. They have one span together.
        starts, ends = text.starts.copy(), text.ends.copy()
        place = 0
        for is_mark, run in groupby(whole, lambda one: unicodedata.combining(one) > 0):
            stop = place + len(list(run))
            if is_mark:
                starts[place:stop], ends[place:stop] = starts[place], ends[stop - 1]
            place = stop
        return AlignedText(whole, starts, ends)

    def compose(self) -> AlignedText:
        """The text in Unicode's normalization form C.

        All characters that one sequence becomes, such as a letter with its accents or the jamo of a syllable, have the
        span of the whole sequence.
        """
        if unicodedata.is_normalized("NFC", self.text):
            return self
        composed: list[str] = []
        first: list[int] = []
        last: list[int] = []
        for start, stop in _independent_sequences(self.text):
            sequence = self.text[start:stop]
            text = unicodedata.normalize("NFC", sequence)
            composed.append(text)
            changed = text != sequence
            first += [start] * len(text) if changed else range(start, stop)
            last += [stop - 1] * len(text) if changed else range(start, stop)
        return AlignedText("".join(composed), self.starts[first], self.ends[last])


def _independent_sequences(text: str) -> Iterator[tuple[int, int]]:
    """Start and stop of each sequence of characters that normalization changes independently of the others."""
    start = 0
    for place, character in enumerate(text[1:], start=1):
        if unicodedata.combining(unicodedata.normalize("NFD", character)[0]):
            continue
        # A vowel jamo, or one of the vowel signs of India, is no combining character, and is composed like one.
        together = unicodedata.normalize("NFC", text[start : place + 1])
        if together == unicodedata.normalize("NFC", text[start:place]) + unicodedata.normalize("NFC", character):
            yield start, place
            start = place
    yield start, len(text)
