"""The session of token classification: a text to the entities in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from albert_runtime.answers import Entity
from albert_runtime.engines import Arrays
from albert_runtime.postprocessing.entities import find_entities
from albert_runtime.postprocessing.probabilities import Logits
from albert_runtime.session import AlbertSession, PreparedRequest, check_text
from albert_runtime.windows import STRIDE, TextWindow, number_windows, own_positions


class LabelledTokens(NamedTuple):
    """The tokens of one text with the logits of their labels; special tokens are left out."""

    #: float32 `[tokens, labels]`
    logits: Logits
    #: the characters (start, end) of the text that each token stands for
    offsets: list[tuple[int, int]]
    #: the number of the word that each token belongs to
    word_ids: list[int | None]

    @property
    def label_ids(self) -> list[int]:
        """The index of the best label of each token."""
        ids: list[int] = self.logits.argmax(axis=-1).tolist()
        return ids


class TokenClassificationSession(AlbertSession):
    """Text -> the entities in it."""

    task = "token-classification"

    def __call__(self, text: str) -> tuple[Entity, ...]:
        """The entities of a text of any length, in its order.

        A text that is too long for the model goes through it in overlapping windows; each token takes its label from
        the window that shows most of the text around it.
        """
        return self._answer(self.prepare(text))

    def prepare(self, text: str) -> PreparedRequest[tuple[Entity, ...]]:
        """See `AlbertSession.prepare`."""
        windows = self.windows(text)

        def finish(outputs: Sequence[Arrays]) -> tuple[Entity, ...]:
            return self.entities(_labelled_tokens(windows, outputs), text)

        return PreparedRequest(tuple(window.encoding for window in windows), finish)

    def entities(self, tokens: LabelledTokens, text: str) -> tuple[Entity, ...]:
        """The entities of `text`, found in its labelled `tokens`."""
        return find_entities(tokens.logits, tokens.offsets, tokens.word_ids, text, self.manifest.labels)

    def tokens(self, text: str) -> LabelledTokens:
        """The tokens of a text of any length, in its order, each from the window that shows most of the text around it.

        Raises:
            UsageError: the text is empty.
        """
        windows = self.windows(text)
        return _labelled_tokens(windows, list(self.run_each([window.encoding for window in windows])))

    def windows(self, text: str) -> tuple[TextWindow, ...]:
        """The overlapping windows of the text, each short enough for the model.

        Raises:
            UsageError: the text is empty.
        """
        room = self.max_length - 2  # [CLS] and [SEP]
        stride = min(STRIDE, room // 2)
        encodings = self.tokenizer(
            check_text("text", text),
            truncation="only_first",
            max_length=self.max_length,
            stride=stride,
            return_overflowing_tokens=True,
        ).encodings
        return number_windows(encodings, sequence_id=0, stride=stride)


def _labelled_tokens(windows: Sequence[TextWindow], outputs: Sequence[Arrays]) -> LabelledTokens:
    """The tokens of a text, each from the window that shows most of the text around it."""
    logits: list[Logits] = []
    offsets: list[tuple[int, int]] = []
    word_ids: list[int | None] = []
    for window, part, output in zip(windows, own_positions(windows), outputs, strict=True):
        logits.append(output["logits"][part])
        offsets += window.encoding.offsets[part]
        word_ids += window.encoding.word_ids[part]
    return LabelledTokens(np.concatenate(logits), offsets, word_ids)
