"""Metrics of masked words and of the order of sentences, for fill-mask and pretraining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from albert_export.evaluation.datasets.example import Example
from albert_runtime import AlbertSession
from albert_runtime.answers import Filled
from albert_runtime.errors import UsageError
from albert_runtime.tokenization.special_tokens import MASK_TOKEN

#: how many of the best pieces are compared with the masked word
_BEST = 5


def fill_masked(session: AlbertSession, example: Example) -> dict[str, Any] | None:
    """Return the model's answer to an example of masked words.

    Returns:
        `filled`: the best piece; `right`: whether it is the masked word; `in_top_5`: whether one of the best five is.
        None if the word is not a single piece of the vocabulary, since a mask stands for one piece, or if the text is
        so long that the mask would be cut off.
    """
    piece = _piece_of(session, example.request["text"], example.expected)
    if piece is None:
        return None
    try:
        (candidates,) = session(**example.request, top_k=_BEST)
    except UsageError:
        return None
    return _judged(candidates, piece)


def judge_masked(session: AlbertSession, example: Example) -> dict[str, Any] | None:
    """Return the model's answer to an example of two texts.

    Returns:
        `in_order`: whether the model predicts that the texts are in order; and if the masked word is a single piece,
        the values of `fill_masked`, unless the graph has no scores for masks. None if the mask would be cut off.
    """
    _, word = example.expected
    try:
        order = session(**example.request, top_k=_BEST)
    except UsageError:
        return None
    answer: dict[str, Any] = {"in_order": order.in_order}
    if word is not None and order.filled:
        text = next(text for text in example.request.values() if MASK_TOKEN in text)
        piece = _piece_of(session, text, word)
        if piece is not None:
            answer |= _judged(order.filled[0], piece)
    return answer


def mask_scores(examples: Sequence[Example], answers: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return accuracy, the share of masks whose best piece is right, and top_5, for the best five, in percent."""
    return {
        "accuracy": 100 * sum(answer["right"] for answer in answers) / len(answers),
        "top_5": 100 * sum(answer["in_top_5"] for answer in answers) / len(answers),
    }


def order_scores(examples: Sequence[Example], answers: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return order_accuracy in percent, and `mask_scores` of the pairs whose masked word is one piece, if any."""
    answered = list(zip(examples, answers, strict=True))
    filled = [(example, answer) for example, answer in answered if "right" in answer]
    right = sum(answer["in_order"] == example.expected[0] for example, answer in answered)
    scores = {"order_accuracy": 100 * right / len(answered)}
    return scores | (mask_scores(*zip(*filled, strict=True)) if filled else {})


def _piece_of(session: AlbertSession, masked: str, word: str) -> int | None:
    """Return the id of the piece that `word` is in place of the mask in `masked`; None if it is several pieces."""
    start = masked.index(MASK_TOKEN)
    end = start + len(word)
    encoding = session.tokenizer(masked.replace(MASK_TOKEN, word), add_special_tokens=False).encodings[0]
    pieces = [
        (token_id, span)
        for token_id, span in zip(encoding.ids, encoding.offsets, strict=True)
        # a piece "▁" alone has an empty span, and counts as a piece of the word that follows
        if span[0] < end and max(span[1], span[0] + 1) > start
    ]
    return pieces[0][0] if len(pieces) == 1 and pieces[0][1] == (start, end) else None


def _judged(candidates: Sequence[Filled], piece: int) -> dict[str, Any]:
    ids = [candidate.token_id for candidate in candidates]
    return {"filled": candidates[0].token, "right": ids[0] == piece, "in_top_5": piece in ids}
