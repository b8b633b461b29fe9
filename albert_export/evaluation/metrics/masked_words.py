"""Masked words, each alone, and the order of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from albert_export.evaluation.datasets.example import Example
from albert_runtime import AlbertSession
from albert_runtime.answers import Filled
from albert_runtime.errors import UsageError
from albert_runtime.tokenization.special_tokens import MASK_TOKEN

_BEST = 5


def fill_masked(session: AlbertSession, example: Example) -> dict[str, Any] | None:
    """`filled`, the best piece, `right`, whether it is the masked one, and `in_top_5`, whether one of five is.

    None where the word is not one piece of the vocabulary, since a mask stands for one, and where the text is so long
    that the mask would be cut off.
    """
    piece = _piece_of(session, example.request["text"], example.expected)
    if piece is None:
        return None
    try:
        (ways,) = session(**example.request, top_k=_BEST)
    except UsageError:
        return None
    return _judged(ways, piece)


def judge_masked(session: AlbertSession, example: Example) -> dict[str, Any] | None:
    """`in_order`, whether the model holds that the texts are; and where a piece is masked, what `fill_masked` gives.

    None where the mask would be cut off.
    """
    _, word = example.expected
    try:
        order = session(**example.request, top_k=_BEST)
    except UsageError:
        return None
    answer: dict[str, Any] = {"in_order": order.in_order}
    if word is not None:
        text = next(text for text in example.request.values() if MASK_TOKEN in text)
        piece = _piece_of(session, text, word)
        if piece is not None:
            answer |= _judged(order.filled[0], piece)
    return answer


def mask_scores(examples: Sequence[Example], answers: Sequence[dict[str, Any]]) -> dict[str, float]:
    """accuracy, the masks whose best piece is right, and top_5, those where one of the five best is."""
    return {
        "accuracy": 100 * sum(answer["right"] for answer in answers) / len(answers),
        "top_5": 100 * sum(answer["in_top_5"] for answer in answers) / len(answers),
    }


def order_scores(examples: Sequence[Example], answers: Sequence[dict[str, Any]]) -> dict[str, float]:
    """order_accuracy, and `mask_scores` of the pairs whose mask stands for one piece, if there are any."""
    asked = list(zip(examples, answers, strict=True))
    filled = [(example, answer) for example, answer in asked if "right" in answer]
    right = sum(answer["in_order"] == example.expected[0] for example, answer in asked)
    scores = {"order_accuracy": 100 * right / len(asked)}
    return scores | (mask_scores(*zip(*filled, strict=True)) if filled else {})


def _piece_of(session: AlbertSession, masked: str, word: str) -> int | None:
    """The id of the one piece that `word` is in the place of the mask of `masked`; None if it is several."""
    start = masked.index(MASK_TOKEN)
    end = start + len(word)
    encoding = session.tokenizer(masked.replace(MASK_TOKEN, word), add_special_tokens=False).encodings[0]
    pieces = [
        (token_id, span)
        for token_id, span in zip(encoding.ids, encoding.offsets, strict=True)
        # a bare "▁", whose span is empty, belongs to the word that it begins
        if span[0] < end and max(span[1], span[0] + 1) > start
    ]
    return pieces[0][0] if len(pieces) == 1 and pieces[0][1] == (start, end) else None


def _judged(ways: Sequence[Filled], piece: int) -> dict[str, Any]:
    ids = [way.token_id for way in ways]
    return {"filled": ways[0].token, "right": ids[0] == piece, "in_top_5": piece in ids}
