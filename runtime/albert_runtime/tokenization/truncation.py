"""Truncation: which tokens of a text, or of a pair of texts, are kept if there are too many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from albert_runtime.errors import UsageError

STRATEGIES = ("longest_first", "only_first", "only_second")

#: a text with more characters for each token of the limit is not tokenized as a whole
_CHARACTERS_PER_TOKEN = 64
#: a word with one of these has a token, whatever the vocabulary is
_LETTER = re.compile("[0-9A-Za-z]")


@dataclass(frozen=True)
class Window:
    """The tokens in one sequence: the positions `first` of the first text, and `second` of the second text."""

    first: range
    second: range


@dataclass(frozen=True)
class Truncation:
    """A truncation strategy of Hugging Face's tokenizers, which cuts on the right.

    With `overflow`, the tokens that do not fit go into further windows of the text that is cut. Each window begins
    `stride` tokens before the end of the previous one, until the last token is in a window.
    """

    #: one of STRATEGIES
    strategy: str
    stride: int = 0
    overflow: bool = False

    def __post_init__(self) -> None:
        """Raise a UsageError for a negative stride."""
        if self.stride < 0:
            raise UsageError(f"stride={self.stride} is not a number of tokens; it must be 0 or more")

    def windows(self, first: int, second: int | None, room: int | None) -> list[Window]:
        """The windows of a text or of a pair of texts, each with at most `room` tokens.

        Args:
            first: the number of tokens in the first text.
            second: the number of tokens in the second text; None if there is none.
            room: the most tokens that both may have together; None for no limit.

        Raises:
            UsageError: the strategy can't make the texts short enough.
        """
        if room is None or first + (second or 0) <= room:
            return [Window(range(first), range(second or 0))]
        if second is None:
            return [Window(part, range(0)) for part in self._slide(first, room)]
        if self.strategy == "longest_first":
            return [Window(*_cut_longest(first, second, first + second - room))]
        if self.strategy == "only_first":
            _check_room("first", first, "second", second, room)
            return [Window(part, range(second)) for part in self._slide(first, room - second)]
        _check_room("second", second, "first", first, room)
        return [Window(range(first), part) for part in self._slide(second, room - first)]

    def _slide(self, length: int, size: int) -> Iterator[range]:
        """The windows of `size` tokens over `length` tokens; without `overflow`, only the first one."""
        if not self.overflow:
            yield range(size)
            return
        if self.stride >= size:
            raise UsageError(
                f"stride={self.stride} does not move a window that has room for {size} tokens of the text; "
                f"choose a stride below {size}, or a larger max_length"
            )
        step = size - self.stride
        for start in range(0, length - self.stride, step):
            yield range(start, min(start + size, length))


def _check_room(cut: str, length: int, kept: str, kept_length: int, room: int) -> None:
    if kept_length >= room:
        raise UsageError(
            f"the {kept} text alone has {kept_length} tokens and there is room for {room}, so that cutting the {cut} "
            f"one ({length} tokens) can't help; shorten the {kept} text, raise max_length, or use 'longest_first'"
        )


def _cut_longest(first: int, second: int, excess: int) -> tuple[range, range]:
    """Cut the longer text to the length of the other one, then both equally.

    If the number of tokens to cut from both is odd, the second text loses one more.
    """
    to_equal = min(abs(first - second), excess)
    half, rest = (excess - to_equal) // 2, (excess - to_equal + 1) // 2
    if first > second:
        return range(first - to_equal - half), range(second - rest)
    return range(first - half), range(second - to_equal - rest)


def beginning(text: str, tokens: int) -> str:
    """The beginning of a very long text, up to a space, that has at least as many tokens; other texts are unchanged.

    No piece of a vocabulary reaches over a space, so the tokens of the beginning are the first ones of the whole text.
    """
    if len(text) <= _CHARACTERS_PER_TOKEN * tokens:
        return text
    end = found = 0
    while found < tokens:
        start, end = end, text.find(" ", end) + 1
        if end == 0:
            return text
        found += _LETTER.search(text, start, end) is not None
    return text[: end - 1]
