"""LabelledTokens: the outputs of token classification for one text of any length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from albert_runtime.postprocessing.probabilities import Logits
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.sentencepiece_model import WORD_START
from albert_runtime.tokenization.special_tokens import UNK_TOKEN


@dataclass(frozen=True)
class LabelledTokens:
    """The tokens of one text with the logits of their labels; the [CLS] and [SEP] around it are left out."""

    text: str
    #: float32 `[tokens, labels]`
    logits: Logits
    #: the pieces of the vocabulary; "<unk>" for what is not in it
    tokens: tuple[str, ...]
    #: the characters (start, end) of `text` that each token stands for
    offsets: tuple[tuple[int, int], ...]
    #: the number of the word that each token belongs to: a given word, or what stands between two spaces
    word_ids: tuple[int | None, ...]
    #: the characters (start, end) of each word, if the text was given as words; None if it was not
    words: tuple[tuple[int, int], ...] | None = None

    @classmethod
    def of(
        cls,
        text: str,
        parts: Sequence[tuple[Encoding, slice, Logits]],
        unk_token_id: int,
        words: tuple[tuple[int, int], ...] | None = None,
    ) -> LabelledTokens:
        """The tokens of a text from its windows.

        Args:
            text: the text that was tokenized.
            parts: for each window its sequence, the positions whose tokens are taken from it, and the logits of all
                positions, `[sequence, labels]`.
            unk_token_id: the id of what is not in the vocabulary.
            words: see the attribute.
        """
        return cls(
            text,
            np.concatenate([logits[part] for _, part, logits in parts]),
            tuple(
                UNK_TOKEN if token_id == unk_token_id else token
                for encoding, part, _ in parts
                for token, token_id in zip(encoding.tokens[part], encoding.ids[part], strict=True)
            ),
            tuple(span for encoding, part, _ in parts for span in encoding.offsets[part]),
            tuple(number for encoding, part, _ in parts for number in encoding.word_ids[part]),
            words,
        )

    @property
    def label_ids(self) -> list[int]:
        """The index of the best label of each token."""
        ids: list[int] = self.logits.argmax(axis=-1).tolist()
        return ids

    def piece(self, token: int) -> str:
        """The piece of one token; for a token that is not in the vocabulary, the characters it stands for."""
        start, end = self.offsets[token]
        return self.text[start:end] if self.tokens[token] == UNK_TOKEN else self.tokens[token]

    def spell(self, tokens: range) -> str:
        """The text that the pieces spell; in lower case and without accents, if the vocabulary has none."""
        return "".join(map(self.piece, tokens)).replace(WORD_START, " ").strip()

    def span(self, tokens: range) -> tuple[int, int]:
        """The characters (start, end) that some neighbouring tokens stand for."""
        spans = [self.offsets[token] for token in tokens]
        # A token that is only the mark of a space stands for no character; its place is the next word.
        visible = [span for span in spans if span[0] < span[1]] or spans[:1]
        return visible[0][0], visible[-1][1]
