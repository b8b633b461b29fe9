"""SlowSplitter: splits texts into pieces in the steps of Hugging Face's slow tokenizers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from albert_runtime.tokenization.added_vocabulary import AddedVocabulary
from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.piece_model import Piece, PieceModel


class TextNormalizer(Protocol):
    """What prepares a text for a `PieceModel`."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """`text` as the model expects it."""


class NoNormalizer:
    """Leaves texts as they are, for vocabularies that SentencePiece alone splits them by."""

    def normalize(self, text: AlignedText) -> AlignedText:
        """`text`."""
        return text


class TextSplitter(Protocol):
    """What splits a text into pieces."""

    def sections(self, text: str) -> Iterator[list[Piece]]:
        """The pieces of each added token and of each part between two of them, in order."""


class SlowSplitter:
    """Separates the added tokens first, then normalizes and splits the parts between them."""

    def __init__(
        self, added: AddedVocabulary, normalizer: TextNormalizer, model: PieceModel, *, do_lower_case: bool
    ) -> None:
        self._added = added
        self._normalizer = normalizer
        self._model = model
        self._do_lower_case = do_lower_case

    def sections(self, text: str) -> Iterator[list[Piece]]:
        """The pieces of each added token and of each part between two of them, in order."""
        for part in self._added.split(text, do_lower_case=self._do_lower_case):
            if part.text in self._added:
                yield [Piece(part.text, int(part.starts[0]), int(part.ends[-1]))]
            else:
                yield self._model.split(self._normalizer.normalize(part))
