"""PieceModel: what splits a normalized text into the pieces of a vocabulary. Each kind of vocabulary has its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from albert_runtime.tokenization.aligned_text import AlignedText

#: SentencePiece's visible space, the first character of every piece that starts a word
WORD_START = "▁"


class Piece(NamedTuple):
    """One piece, and the characters `start:end` of the original text that it stands for (not the space before it)."""

    piece: str
    start: int
    end: int


class PieceModel(Protocol):
    """A loaded vocabulary. It never changes after construction, so threads may share it."""

    #: whether a mask that is written in a text includes the space on its left, if no file says otherwise
    mask_takes_space: bool

    def __len__(self) -> int:
        """The number of pieces, which have the ids from 0 on."""

    def id_of(self, piece: str) -> int:
        """The id of `piece`, or the id of the unknown piece if the vocabulary does not hold it."""

    def piece_of(self, index: int) -> str:
        """The piece of an id from 0 to len(self) - 1."""

    def holds(self, piece: str) -> bool:
        """Whether `piece` is in the vocabulary."""

    def join(self, pieces: Sequence[str]) -> str:
        """The text that `pieces` spell."""

    def split(self, text: AlignedText) -> list[Piece]:
        """The pieces of a normalized text."""

    def starts_word(self, piece: str) -> bool:
        """Whether a word begins with `piece`."""

    def spelling(self, piece: str) -> str:
        """`piece` without the mark that says whether it begins a word; it may be empty."""


class WordStartMarks:
    """The part of a `PieceModel` whose pieces have SentencePiece's mark of a word's start."""

    @staticmethod
    def starts_word(piece: str) -> bool:
        """Whether a word begins with `piece`."""
        return piece.startswith(WORD_START)

    @staticmethod
    def spelling(piece: str) -> str:
        """`piece` without the mark that says whether it begins a word; it may be empty."""
        return piece.removeprefix(WORD_START)
