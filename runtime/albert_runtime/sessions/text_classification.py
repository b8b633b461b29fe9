"""The session of text classification: a text, or a pair of texts, to labels."""

from __future__ import annotations

from albert_runtime.answers import Label
from albert_runtime.engines import Arrays
from albert_runtime.postprocessing.classification import label_text
from albert_runtime.session import AlbertSession, check_text


class TextClassificationSession(AlbertSession):
    """A text, or a pair of texts -> labels."""

    task = "text-classification"

    def __call__(self, text: str, text_pair: str | None = None) -> tuple[Label, ...]:
        """Every label with its score, best first. Texts that are too long are cut off at the end."""
        logits = self.run(self.arrays(text, text_pair))["logits"][0]
        return label_text(logits, self.manifest.labels, self.bundle.config.get("problem_type"))

    def arrays(self, text: str, text_pair: str | None = None) -> Arrays:
        """See `AlbertSession.arrays`."""
        check_text("text", text)
        if text_pair is not None:
            check_text("text_pair", text_pair)
        return self._pad([self._encode(text, text_pair)])
