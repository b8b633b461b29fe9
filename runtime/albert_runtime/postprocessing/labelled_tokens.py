"""LabelledTokens: the outputs of token classification for one text of any length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from albert_runtime.postprocessing.probabilities import Logits
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.piece_model import WORD_START
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from albert_runtime.tokenization.wordpiece_model import WordPieceModel


@dataclass(frozen=True)
class LabelledTokens:
    """The tokens of one text with the logits of their labels; the [CLS] and [SEP] around it are left out."""

    text: str
    #: float32 `[tokens, labels]`
    logits: Logits
    #: the pieces of the vocabulary; None for what is not in it
    tokens: tuple[str | None, ...]
    #: the characters (start, end) of `text` that each token stands for
    offsets: tuple[tuple[int, int], ...]
    #: the number of the word that each token belongs to: a given word, or what stands between two spaces
    word_ids: tuple[int | None, ...]
    #: the characters (start, end) of each word, if the text was given as words; None if it was not
    words: tuple[tuple[int, int], ...] | None = None
    #: whether the pieces are those of WordPiece, which mark a word's continuation, and not its start
    wordpiece: bool = False

    @classmethod
    def of(
        cls,
        text: str,
        parts: Sequence[tuple[Encoding, slice, Logits]],
        tokenizer: AlbertTokenizer,
        words: tuple[tuple[int, int], ...] | None = None,
    ) -> LabelledTokens:
        """The tokens of a text from its windows.

        Args:
            text: the text that was tokenized.
            parts: for each window its sequence, the positions whose tokens are taken from it, and the logits of all
                positions, `[sequence, labels]`.
            tokenizer: the tokenizer that made the sequences.
            words: see the attribute.
        """
        return cls(
            text,
            np.concatenate([logits[part] for _, part, logits in parts]),
            tuple(
                None if token_id == tokenizer.unk_token_id else token
                for encoding, part, _ in parts
                for token, token_id in zip(encoding.tokens[part], encoding.ids[part], strict=True)
            ),
            tuple(span for encoding, part, _ in parts for span in encoding.offsets[part]),
            tuple(number for encoding, part, _ in parts for number in encoding.word_ids[part]),
            words,
            tokenizer.wordpiece is not None,
        )

    @property
    def label_ids(self) -> list[int]:
        """The index of the best label of each token."""
        ids: list[int] = self.logits.argmax(axis=-1).tolist()
        return ids

    def piece(self, token: int) -> str:
        """The piece of one token; for a token that is not in the vocabulary, the characters it stands for."""
        start, end = self.offsets[token]
        return self.tokens[token] or self.text[start:end]

    def starts_word(self, token: int) -> bool:
        """Whether a token begins a word, as Hugging Face's pipeline tells it.

        A token that is not in the vocabulary begins one, and so does a word that was given, whatever stands before it.
        A piece of WordPiece says it itself. With SentencePiece, a space is before the token or is its first character.
        """
        piece, (start, _) = self.tokens[token], self.offsets[token]
        given = self.words is not None and token > 0 and self.word_ids[token] != self.word_ids[token - 1]
        if token == 0 or given or piece is None:
            return True
        if self.wordpiece:
            return WordPieceModel.starts_word(piece)
        return start == 0 or " " in self.text[start - 1 : start + 1]

    def spell(self, tokens: range) -> str:
        """The text that the pieces spell; in lower case and without accents, if the vocabulary has none."""
        pieces = [*map(self.piece, tokens)]
        return WordPieceModel.join(pieces) if self.wordpiece else "".join(pieces).replace(WORD_START, " ").strip()

    def span(self, tokens: range) -> tuple[int, int]:
        """The characters (start, end) that some neighbouring tokens stand for."""
        spans = [self.offsets[token] for token in tokens]
        # A token that is only the mark of a space stands for no character; its place is the next word.
        visible = [span for span in spans if span[0] < span[1]] or spans[:1]
        return visible[0][0], visible[-1][1]
