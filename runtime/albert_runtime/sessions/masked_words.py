"""The sessions of fill-mask and pretraining, which predict the pieces behind masks."""

from __future__ import annotations

from collections.abc import Sequence

from albert_runtime.answers import Filled, SentenceOrder
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.classification import judge_order
from albert_runtime.postprocessing.masked_words import fill_masks
from albert_runtime.postprocessing.probabilities import Logits
from albert_runtime.session import AlbertSession, check_count, check_text
from albert_runtime.tokenization.encoding import Encoding


class PretrainingSession(AlbertSession):
    """Two texts -> whether they are in their original order, and pieces for the masks in them."""

    task = "pretraining"

    def __call__(self, first: str, second: str, top_k: int = 5) -> SentenceOrder:
        """Predict the order of two texts, and the `top_k` best pieces for each [MASK] in them.

        Raises:
            UsageError: a text is empty, or so long that a [MASK] would be cut off.
        """
        check_count("top_k", top_k)
        encoding = self._encode_texts(first, second)
        outputs = self.run(self._pad([encoding]))
        filled = _fill(self, outputs["prediction_logits"][0], encoding, (first, second), top_k)
        return judge_order(outputs["sop_logits"][0], filled)

    def arrays(self, first: str, second: str) -> Arrays:
        """See `AlbertSession.arrays`."""
        return self._pad([self._encode_texts(first, second)])

    def _encode_texts(self, first: str, second: str) -> Encoding:
        return self._encode(check_text("first", first), check_text("second", second), keep_masks=True)


class FillMaskSession(AlbertSession):
    """A text with [MASK] in it -> the pieces that may stand there."""

    task = "fill-mask"

    def __call__(self, text: str, top_k: int = 5) -> tuple[tuple[Filled, ...], ...]:
        """The `top_k` best pieces for each [MASK], best first; the masks are in the order of the text.

        Raises:
            UsageError: there is no [MASK], or the text is so long that one would be cut off.
        """
        check_count("top_k", top_k)
        encoding = self._encode_text(text)
        outputs = self.run(self._pad([encoding]))
        return _fill(self, outputs["logits"][0], encoding, (text,), top_k)

    def arrays(self, text: str) -> Arrays:
        """See `AlbertSession.arrays`."""
        return self._pad([self._encode_text(text)])

    def _encode_text(self, text: str) -> Encoding:
        encoding = self._encode(check_text("text", text), keep_masks=True)
        if self.tokenizer.mask_token_id not in encoding.ids:
            raise UsageError('there is no [MASK] in the text; write one, as in "Paris is the [MASK] of France."')
        return encoding


def _fill(
    session: AlbertSession, logits: Logits, encoding: Encoding, texts: Sequence[str], top_k: int
) -> tuple[tuple[Filled, ...], ...]:
    return fill_masks(logits, encoding, texts, session.tokenizer, top_k)
