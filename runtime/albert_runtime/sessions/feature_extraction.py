"""The session of feature extraction: text to vectors."""

from __future__ import annotations

from albert_runtime.answers import Embedding
from albert_runtime.engines import Arrays
from albert_runtime.session import AlbertSession, check_text


class FeatureExtractionSession(AlbertSession):
    """Text -> vectors."""

    task = "feature-extraction"

    def __call__(self, text: str) -> Embedding:
        """The embedding of the text. A text that is too long is cut off at the end."""
        encoding = self._encode(check_text("text", text))
        outputs = self.run(self._pad([encoding]))
        return Embedding(outputs["pooler_output"][0], outputs["last_hidden_state"][0, : len(encoding)])

    def arrays(self, text: str) -> Arrays:
        """See `AlbertSession.arrays`."""
        return self._pad([self._encode(check_text("text", text))])
