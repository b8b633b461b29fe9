"""The overlapping windows of a long text: which tokens of the text are in which window, and at which positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from albert_runtime.tokenization.truncation import Truncation

#: tokens that two neighbouring windows share
STRIDE = 128


@dataclass(frozen=True)
class TextWindow:
    """One window: a sequence, and which of its tokens are tokens of the text.

    The positions `begin:end` of `encoding` hold tokens of the text; the first of them has the number `first` in the
    text.
    """

    encoding: Encoding
    begin: int
    end: int
    first: int

    def __len__(self) -> int:
        """The number of tokens of the text in this window."""
        return self.end - self.begin


def cut_windows(
    tokenizer: AlbertTokenizer, encoding: Encoding, *, max_length: int, stride: int
) -> tuple[TextWindow, ...]:
    """The windows `[CLS] tokens [SEP]` of one text, in order.

    Args:
        tokenizer: the tokenizer, which knows the ids of the special tokens.
        encoding: the tokens of the text, without special tokens.
        max_length: the most tokens in a window, special tokens included.
        stride: the tokens that two neighbouring windows share; at most half of a window.
    """
    room = max_length - 2  # [CLS] and [SEP]
    cls, sep = tokenizer.beginning_of_sequence(), tokenizer.separator()
    cut = Truncation("only_first", min(stride, room // 2), overflow=True)
    return tuple(
        TextWindow(cls + encoding.part(window.first) + sep, 1, 1 + len(window.first), window.first.start)
        for window in cut.windows(len(encoding), None, room)
    )


def own_positions(windows: Sequence[TextWindow]) -> list[slice]:
    """For each window, the positions whose tokens are taken from it, so that every token of the text is taken once.

    Each overlap is divided in the middle: a token is taken from the window that shows more of the text around it.
    """
    cuts = [0]
    for window, following in pairwise(windows):
        cuts.append((following.first + window.first + len(window)) // 2)
    cuts.append(windows[-1].first + len(windows[-1]))
    return [
        slice(window.begin + cut - window.first, window.begin + next_cut - window.first)
        for window, (cut, next_cut) in zip(windows, pairwise(cuts), strict=True)
    ]
