"""A long text as overlapping windows: which token of the text stands where in which window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from albert_runtime.tokenization.encoding import Encoding


@dataclass(frozen=True)
class TextWindow:
    """One window: the sequence, and which of its tokens are tokens of the text.

    `encoding`'s positions from `begin` to `end` (not included) hold the text's tokens from number `first` on.
    """

    encoding: Encoding
    begin: int
    end: int
    first: int

    def __len__(self) -> int:
        """Tokens of the text in this window."""
        return self.end - self.begin


def number_windows(encodings: Sequence[Encoding], *, sequence_id: int, stride: int) -> tuple[TextWindow, ...]:
    """The windows of one text, in order, each with the place of its tokens in the text.

    Args:
        encodings: as the tokenizer cuts them, of one text (and the same partner in each, if there is a pair).
        sequence_id: which text of the pair the windows run over: 0 or 1.
        stride: tokens that each window shares with the one before.
    """
    windows: list[TextWindow] = []
    first = 0
    for encoding in encodings:
        places = [place for place, owner in enumerate(encoding.sequence_ids) if owner == sequence_id]
        begin, end = (places[0], places[-1] + 1) if places else (0, 0)
        windows.append(TextWindow(encoding, begin, end, first))
        first += end - begin - stride
    return tuple(windows)


def best_seen(windows: Sequence[TextWindow]) -> list[slice]:
    """For each window the positions to take from it, so that every token of the text is taken once.

    Each overlap is parted in its middle: a token is taken from the window that shows more of what stands
    around it.
    """
    cuts = [0]
    for window, following in pairwise(windows):
        cuts.append((following.first + window.first + len(window)) // 2)
    cuts.append(windows[-1].first + len(windows[-1]))
    return [
        slice(window.begin + cut - window.first, window.begin + next_cut - window.first)
        for window, (cut, next_cut) in zip(windows, pairwise(cuts), strict=True)
    ]
