"""The sessions of fill-mask and pretraining, which predict the pieces behind masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from albert_runtime.answers import Filled, SentenceOrder
from albert_runtime.engines import Arrays
from albert_runtime.errors import UsageError
from albert_runtime.postprocessing.classification import judge_order
from albert_runtime.postprocessing.masked_words import fill_masks, target_pieces
from albert_runtime.session import AlbertSession, PreparedRequest, check_count, check_text
from albert_runtime.tasks import MASKED_POSITIONS
from albert_runtime.tokenization.padding import masked_positions
from albert_runtime.tokenization.special_tokens import MASK_TOKEN


class PretrainingSession(AlbertSession):
    """Two texts -> whether they are in their original order, and pieces for the masks in them."""

    task = "pretraining"

    def __call__(self, first: str, second: str, top_k: int = 5) -> SentenceOrder:
        """Predict the order of two texts, and the `top_k` best pieces for each [MASK] in them.

        A graph with the head "sentence-order" predicts the order alone: `filled` of the answer is empty.

        Raises:
            UsageError: a text is empty, or so long that a [MASK] would be cut off that the graph has scores for.
        """
        return self._answer(self.prepare(first, second, top_k))

    def prepare(self, first: str, second: str, top_k: int = 5) -> PreparedRequest[SentenceOrder]:
        """See `AlbertSession.prepare`."""
        check_count("top_k", top_k)
        first, second = (_with_own_mask(self, check_text(*text)) for text in (("first", first), ("second", second)))
        fills = "prediction_logits" in self.bundle.task.outputs  # not with the head "sentence-order"
        encoding = self._encode(first, second, keep_masks=fills)

        def finish(outputs: Sequence[Arrays]) -> SentenceOrder:
            if not fills:
                return judge_order(outputs[0]["sop_logits"])
            filled = fill_masks(outputs[0]["prediction_logits"], encoding, (first, second), self.tokenizer, top_k)
            return judge_order(outputs[0]["sop_logits"], filled)

        return PreparedRequest((encoding,), finish)


class FillMaskSession(AlbertSession):
    """A text with [MASK] in it -> the pieces that may stand there."""

    task = "fill-mask"

    def __call__(
        self, text: str, top_k: int = 5, targets: str | Sequence[str] | None = None
    ) -> tuple[tuple[Filled, ...], ...]:
        """The `top_k` best pieces for each [MASK], best first; the masks are in the order of the text.

        Args:
            text: a text with one [MASK] or several. Each mask is filled by itself, while the others stay masked.
            top_k: the number of pieces for each mask.
            targets: compare only these words or pieces; their scores stay probabilities among the whole vocabulary. A
                word that is not one piece of the vocabulary is represented by its first piece, as in Hugging Face's
                pipeline; the session logs that once for each word.

        Raises:
            UsageError: there is no [MASK], or the text is so long that one would be cut off; or no target has a piece.
        """
        return self._answer(self.prepare(text, top_k, targets))

    def prepare(
        self, text: str, top_k: int = 5, targets: str | Sequence[str] | None = None
    ) -> PreparedRequest[tuple[tuple[Filled, ...], ...]]:
        """See `AlbertSession.prepare`."""
        check_count("top_k", top_k)
        target_ids = None if targets is None else self._target_ids(targets)
        text = _with_own_mask(self, check_text("text", text))
        encoding = self._encode(text, keep_masks=True)
        if self.tokenizer.mask_token_id not in encoding.ids:
            mask = self.tokenizer.special_tokens.mask
            raise UsageError(f'there is no {mask} in the text; write one, as in "Paris is the {mask} of France."')

        def finish(outputs: Sequence[Arrays]) -> tuple[tuple[Filled, ...], ...]:
            logits = outputs[0]["logits"]
            return fill_masks(
                logits, encoding, (text,), self.tokenizer, top_k, target_ids, masked_only=self._takes_positions
            )

        return PreparedRequest((encoding,), finish)

    @property
    def _takes_positions(self) -> bool:
        """Whether the graph has the head "masked", which is told where the masks are and gives no other logits."""
        return MASKED_POSITIONS in self.bundle.task.more_inputs

    def _completed(self, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        if not self._takes_positions or MASKED_POSITIONS in arrays or "input_ids" not in arrays:
            return dict(arrays)
        return {**arrays, MASKED_POSITIONS: masked_positions(arrays["input_ids"], self.tokenizer.mask_token_id)}

    def _target_ids(self, targets: str | Sequence[str]) -> list[int]:
        """The ids of the pieces that stand for `targets`, without repetitions."""
        if not isinstance(targets, (str, Sequence)):
            raise UsageError(f"targets must be a list of texts, not {type(targets).__name__}")
        given = [targets] if isinstance(targets, str) else list(targets)
        for index, target in enumerate(given):
            if not isinstance(target, str):
                raise UsageError(f"targets[{index}] must be a str, not {type(target).__name__}")
        pieces = target_pieces(given, self.tokenizer)
        for target, piece in pieces.items():
            if piece != target:
                stands = "it is left out" if piece is None else f"its first piece {piece!r} is scored"
                message = "the target %r is not a piece of the vocabulary: %s"
                self._once_warnings.log(("target", target), message, target, stands)
        found = list(dict.fromkeys(piece for piece in pieces.values() if piece is not None))
        if not found:
            raise UsageError("targets holds no word that the tokenizer knows; give one or more, such as ['capital']")
        return self.tokenizer.convert_tokens_to_ids(found)


def _with_own_mask(session: AlbertSession, text: str) -> str:
    """`text` with the mask of the model's vocabulary in place of [MASK], where the vocabulary has another one."""
    return text.replace(MASK_TOKEN, session.tokenizer.special_tokens.mask)
