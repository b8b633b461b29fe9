"""The session of text classification: a text, or a pair of texts, to labels."""

from __future__ import annotations

from collections.abc import Sequence

from albert_runtime.answers import Label
from albert_runtime.engines import Arrays
from albert_runtime.postprocessing.classification import label_text
from albert_runtime.session import AlbertSession, PreparedRequest, check_text


class TextClassificationSession(AlbertSession):
    """A text, or a pair of texts -> labels."""

    task = "text-classification"

    def __call__(self, text: str, text_pair: str | None = None) -> tuple[Label, ...]:
        """Every label with its score, best first. Texts that are too long are cut off at the end."""
        return self._answer(self.prepare(text, text_pair))

    def prepare(self, text: str, text_pair: str | None = None) -> PreparedRequest[tuple[Label, ...]]:
        """See `AlbertSession.prepare`."""
        check_text("text", text)
        if text_pair is not None:
            check_text("text_pair", text_pair)
        encoding = self._encode(text, text_pair)

        def finish(outputs: Sequence[Arrays]) -> tuple[Label, ...]:
            return label_text(outputs[0]["logits"], self.manifest.labels, self.bundle.config.get("problem_type"))

        return PreparedRequest((encoding,), finish)
