"""The ranking of the passages that were found for a question, with the answer that there is none among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from albert_runtime.answers import Answer


class Passage(NamedTuple):
    """The characters `start:end` of a context, and the logarithm of the passage's probability."""

    log_score: float
    start: int
    end: int
    context_index: int


def rank_answers(
    texts: Sequence[str],
    passages: Iterable[Passage],
    *,
    top_k: int,
    null_score: float,
    null_rank: float | None,
) -> tuple[Answer, ...]:
    """The best answers, best first; fewer than `top_k` if there are not so many different ones.

    Passages with the same text in one context are one answer, the most probable of them. Where scores are equal, the
    passage that comes first in the contexts is the better one.

    Args:
        texts: the contexts.
        passages: passages of them, in any order.
        top_k: the number of answers.
        null_score: the probability that there is no answer.
        null_rank: what stands for the logarithm of the score of the empty answer when it is ranked among the passages;
            None leaves it out.
    """
    found: dict[tuple[int, str], Passage] = {}
    for passage in passages:
        key = passage.context_index, texts[passage.context_index][passage.start : passage.end]
        if key not in found or passage.log_score > found[key].log_score:
            found[key] = passage
    ordered = sorted(found.values(), key=lambda one: one[1:])
    ranked = [(one.log_score, float(np.exp(one.log_score)), one) for one in ordered]
    if null_rank is not None:
        ranked.append((null_rank, null_score, Passage(0.0, 0, 0, 0)))
    ranked.sort(key=lambda item: -item[0])  # the sort is stable
    return tuple(
        Answer(
            text=texts[one.context_index][one.start : one.end],
            score=score,
            start=one.start,
            end=one.end,
            null_score=null_score,
            context_index=one.context_index,
        )
        for _, score, one in ranked[:top_k]
    )
