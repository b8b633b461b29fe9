"""The sessions of fill-mask and pretraining, which predict the pieces behind masks."""

from __future__ import annotations

from collections.abc import Sequence

from albert_runtime.answers import Filled, SentenceOrder
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.classification import judge_order
from albert_runtime.postprocessing.masked_words import fill_masks
from albert_runtime.session import AlbertSession, PreparedRequest, check_count, check_text


class PretrainingSession(AlbertSession):
    """Two texts -> whether they are in their original order, and pieces for the masks in them."""

    task = "pretraining"

    def __call__(self, first: str, second: str, top_k: int = 5) -> SentenceOrder:
        """Predict the order of two texts, and the `top_k` best pieces for each [MASK] in them.

        Raises:
            UsageError: a text is empty, or so long that a [MASK] would be cut off.
        """
        return self._answer(self.prepare(first, second, top_k))

    def prepare(self, first: str, second: str, top_k: int = 5) -> PreparedRequest[SentenceOrder]:
        """See `AlbertSession.prepare`."""
        check_count("top_k", top_k)
        encoding = self._encode(check_text("first", first), check_text("second", second), keep_masks=True)

        def finish(outputs: Sequence[Arrays]) -> SentenceOrder:
            filled = fill_masks(outputs[0]["prediction_logits"], encoding, (first, second), self.tokenizer, top_k)
            return judge_order(outputs[0]["sop_logits"], filled)

        return PreparedRequest((encoding,), finish)


class FillMaskSession(AlbertSession):
    """A text with [MASK] in it -> the pieces that may stand there."""

    task = "fill-mask"

    def __call__(self, text: str, top_k: int = 5) -> tuple[tuple[Filled, ...], ...]:
        """The `top_k` best pieces for each [MASK], best first; the masks are in the order of the text.

        Raises:
            UsageError: there is no [MASK], or the text is so long that one would be cut off.
        """
        return self._answer(self.prepare(text, top_k))

    def prepare(self, text: str, top_k: int = 5) -> PreparedRequest[tuple[tuple[Filled, ...], ...]]:
        """See `AlbertSession.prepare`."""
        check_count("top_k", top_k)
        encoding = self._encode(check_text("text", text), keep_masks=True)
        if self.tokenizer.mask_token_id not in encoding.ids:
            raise UsageError('there is no [MASK] in the text; write one, as in "Paris is the [MASK] of France."')

        def finish(outputs: Sequence[Arrays]) -> tuple[tuple[Filled, ...], ...]:
            return fill_masks(outputs[0]["logits"], encoding, (text,), self.tokenizer, top_k)

        return PreparedRequest((encoding,), finish)
