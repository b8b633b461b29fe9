"""Which tokens of a text, or of a pair of texts, stay when there is room for fewer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from albert_runtime.errors import UsageError

STRATEGIES = ("longest_first", "only_first", "only_second")


@dataclass(frozen=True)
class Window:
    """The tokens that one sequence takes: `first` of the text, `second` of its pair."""

    first: range
    second: range


@dataclass(frozen=True)
class Truncation:
    """A strategy of Hugging Face's tokenizers, always cutting on the right.

    With `overflow`, what does not fit goes on in further windows over the text that is cut: each begins `stride` tokens
    before the end of the one before, until the last token is in one.
    """

    #: one of STRATEGIES
    strategy: str
    stride: int = 0
    overflow: bool = False

    def __post_init__(self) -> None:
        """Raises UsageError for a negative stride."""
        if self.stride < 0:
            raise UsageError(f"stride={self.stride} is not a number of tokens; it must be 0 or more")

    def windows(self, first: int, second: int | None, room: int | None) -> list[Window]:
        """The windows over two texts, of `room` tokens each at most.

        Args:
            first: tokens of the text.
            second: tokens of its pair; None if it has none.
            room: tokens that both may have together; None for no limit.

        Raises:
            UsageError: the strategy can't make the texts fit.
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
        """Windows of `size` tokens over `length`; only the first one without `overflow`."""
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
    """The longer text is cut to the length of the other one, then both equally; an odd token goes from the shorter."""
    to_equal = min(abs(first - second), excess)
    half, rest = (excess - to_equal) // 2, (excess - to_equal + 1) // 2
    if first > second:
        return range(first - to_equal - half), range(second - rest)
    return range(first - half), range(second - to_equal - rest)
