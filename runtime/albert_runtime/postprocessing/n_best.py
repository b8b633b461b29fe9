"""The n-best answers to a question: the passages of a context with the highest sums of start and end logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from albert_runtime.answers import Answer
from albert_runtime.postprocessing.probabilities import Logits, Scores, finite
from albert_runtime.windows import TextWindow

#: the most tokens that begin at the same character: a bare "▁" and the token after it, or the parts of a ligature
_TOKENS_AT_ONE_CHARACTER = 4


def best_answers(
    windows: Sequence[TextWindow],
    start_logits: Sequence[Logits],
    end_logits: Sequence[Logits],
    context: str,
    *,
    top_k: int,
    max_answer_tokens: int,
) -> tuple[Answer, ...]:
    """The best passages of the context, best first; fewer than `top_k` if there are no more.

    A passage goes from a start token to an end token of the context in the same window, and has at most
    `max_answer_tokens` tokens. Passages are ranked by the sum of their start and end logits. The score of a passage is
    P(start) * P(end), as in Hugging Face's question-answering pipeline, with two differences: [CLS] has no probability,
    and both distributions extend over the tokens of the whole context. A token that is in several windows counts once,
    with its highest logit. Therefore a score does not depend on where the windows begin, and the scores of passages in
    different windows can be compared. Passages with the same characters, from several windows or from several tokens
    that begin at the same character, are one answer.

    Args:
        windows: the windows of the context.
        start_logits, end_logits: float32 `[sequence]` for each window.
        context: the text that the answers are cut from.
        top_k: the number of answers.
        max_answer_tokens: the most tokens in an answer.

    Raises:
        BundleError: the logits are not finite.
    """
    starts = [finite(row[window.begin : window.end]) for window, row in zip(windows, start_logits, strict=True)]
    ends = [finite(row[window.begin : window.end]) for window, row in zip(windows, end_logits, strict=True)]
    total = _log_total(windows, starts) + _log_total(windows, ends)
    found: dict[tuple[int, int], float] = {}
    for window, start_row, end_row in zip(windows, starts, ends, strict=True):
        offsets = window.encoding.offsets[window.begin : window.end]
        # Models may start an answer at a bare "▁", because a word begins there, but no answer ends at one.
        blank = np.array([start == end for start, end in offsets], dtype=bool)
        end_row = np.where(blank, -np.inf, end_row)
        for sum_of_logits, first, last in _best_spans(
            start_row, end_row, top_k * _TOKENS_AT_ONE_CHARACTER, max_answer_tokens
        ):
            passage = (offsets[first][0], offsets[last][1])
            found[passage] = max(found.get(passage, -np.inf), sum_of_logits)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:top_k]
    return tuple(Answer(context[start:end], float(np.exp(logit - total)), start, end) for (start, end), logit in ranked)


def _best_spans(starts: Scores, ends: Scores, top_k: int, longest: int) -> list[tuple[float, int, int]]:
    """(start + end logit, first token, last token) of the `top_k` best spans of one window, in any order."""
    count = len(starts)
    longest = min(longest, count)
    # sums[extra, first] is the sum for the span from token `first` to token `first + extra`.
    sums = np.full((longest, count), -np.inf)
    for extra in range(longest):
        sums[extra, : count - extra] = starts[: count - extra] + ends[extra:]
    flat = sums.ravel()
    best = np.argpartition(flat, -top_k)[-top_k:] if top_k < flat.size else np.arange(flat.size)
    return [
        (float(flat[place]), int(place % count), int(place % count + place // count))
        for place in best
        if flat[place] > -np.inf
    ]


def _log_total(windows: Sequence[TextWindow], rows: Sequence[Scores]) -> float:
    """The logarithm of the sum of exp(logit) over the tokens of the text, each counted once."""
    logits = np.full(max(window.first + len(window) for window in windows), -np.inf)
    for window, row in zip(windows, rows, strict=True):
        here = logits[window.first : window.first + len(window)]
        np.maximum(here, row, out=here)
    return float(np.logaddexp.reduce(logits))
