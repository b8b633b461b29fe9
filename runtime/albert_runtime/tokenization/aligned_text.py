"""A text on its way to the tokenizer, with the place in the original that each of its characters came from.

Normalization drops characters, turns one into several and several into one. Every step returns a new
`AlignedText`, so that a token found at the end can still be traced to the characters the user typed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class AlignedText:
    """`text`, whose character `i` stands for the characters `starts[i]:ends[i]` of the original.

    Both arrays are int64 of shape [len(text)] and never decrease; the originals of neighbours may overlap
    (the two letters of a ligature) and may leave gaps (dropped white space).
    """

    text: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, text: str) -> AlignedText:
        """`text` as it is, aligned with itself."""
        positions = np.arange(len(text) + 1, dtype=np.int64)
        return cls(text, positions[:-1], positions[1:])

    def part(self, start: int, stop: int) -> AlignedText:
        """The characters `start:stop`."""
        return AlignedText(self.text[start:stop], self.starts[start:stop], self.ends[start:stop])

    def rstrip(self) -> AlignedText:
        """Without the white space at its end."""
        return self.part(0, len(self.text.rstrip()))

    def squeeze_spaces(self) -> AlignedText:
        """One space for every run of white space, none at either end."""
        squeezed = " ".join(self.text.split())
        if squeezed == self.text:
            return self
        is_space = np.fromiter(map(str.isspace, self.text), np.bool_, len(self.text))
        # of each run of spaces the first one stays; the run at the front goes, and what then ends in a space loses it
        follows_space = np.concatenate(([True], is_space[:-1]))
        kept = np.flatnonzero(~(is_space & follows_space))[: len(squeezed)]
        return AlignedText(squeezed, self.starts[kept], self.ends[kept])

    def merge_pairs(self, pairs: tuple[str, ...], merged: str) -> AlignedText:
        """Each of `pairs` (two characters each, replaced one kind after the other) becomes the character `merged`."""
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
            # a pair ends where its second character ends, and that one stands just before the next kept character
            last = np.flatnonzero(np.concatenate((kept[1:], [True])))
            aligned = AlignedText(after, aligned.starts[kept], aligned.ends[last])
        return aligned

    def map_characters(self, change: Callable[[str], str]) -> AlignedText:
        """Every character replaced by `change(character)`, which may be empty or longer than one.

        A character that becomes nothing belongs to the one before it: the accent of "e" + U+0301 is part of what
        the "e" stands for, so that the span of a word holds its accents.
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
        """`str.lower` of the whole text, which knows the final sigma where single characters do not."""
        # the context decides which letter comes out, never how many
        return replace(self.map_characters(str.lower), text=self.text.lower())
