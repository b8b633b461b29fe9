"""The session of feature extraction: text to vectors."""

from __future__ import annotations

from collections.abc import Sequence

from albert_runtime.answers import Embedding
from albert_runtime.engines import Arrays
from albert_runtime.session import AlbertSession, PreparedRequest, check_text


class FeatureExtractionSession(AlbertSession):
    """Text -> vectors."""

    task = "feature-extraction"

    def __call__(self, text: str) -> Embedding:
        """The embedding of the text. A text that is too long is cut off at the end."""
        return self._answer(self.prepare(text))

    def prepare(self, text: str) -> PreparedRequest[Embedding]:
        """See `AlbertSession.prepare`."""
        encoding = self._encode(check_text("text", text))

        def finish(outputs: Sequence[Arrays]) -> Embedding:
            return Embedding(outputs[0]["pooler_output"], outputs[0]["last_hidden_state"][: len(encoding)])

        return PreparedRequest((encoding,), finish)
