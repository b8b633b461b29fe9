"""The n-best answers to a question: the most probable passages of its contexts, and the answer that there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from albert_runtime.answers import Answer
from albert_runtime.contexts import TokenizedContext
from albert_runtime.postprocessing.probabilities import Logits, Scores, finite
from albert_runtime.postprocessing.ranking import Passage, rank_answers
from albert_runtime.windows import TextWindow


class ContextLogits(NamedTuple):
    """The windows of one context, and the logits for where an answer starts and ends."""

    context: TokenizedContext
    windows: Sequence[TextWindow]
    #: float32 `[sequence]` for each window
    starts: Sequence[Logits]
    #: float32 `[sequence]` for each window
    ends: Sequence[Logits]


def best_answers(
    contexts: Sequence[ContextLogits],
    *,
    top_k: int,
    max_answer_len: int,
    align_to_words: bool = True,
    null_threshold: float | None = None,
) -> tuple[Answer, ...]:
    """The best answers, best first; fewer than `top_k` if there are not so many different ones.

    A passage goes from a start token to an end token in the same window. Its score is P(start) * P(end), as in Hugging
    Face's question-answering pipeline: both distributions are softmaxes over [CLS] and those tokens of the context in
    the window that are `selectable`. P([CLS]) * P([CLS]) is the score of "there is no answer"; with several windows,
    the least of them counts, because the answer need be in only one window. Passages with the same text in one context
    are one answer, the most probable of them.

    Args:
        contexts: the contexts with the logits of their windows.
        top_k: the number of answers.
        max_answer_len: the most tokens in an answer.
        align_to_words: extend passages to whole words, that is, to the next white space on each side.
        null_threshold: if it is not None, the empty answer is one of the answers. It ranks above a passage if the
            logarithm of its score is larger by more than this, which is `null_score_diff_threshold` of run_squad.

    Raises:
        BundleError: the logits are not finite.
    """
    found: list[Passage] = []
    log_null = np.inf
    for index, (context, windows, starts, ends) in enumerate(contexts):
        spans = context.word_spans if align_to_words else context.token_spans
        for window, start_row, end_row in zip(windows, starts, ends, strict=True):
            log_starts = _log_probabilities(start_row, window, context.selectable)
            log_ends = _log_probabilities(end_row, window, context.selectable)
            log_null = min(log_null, float(log_starts[0] + log_ends[0]))
            in_window = spans[window.first : window.first + len(window)]
            different: set[str] = set()
            for log_score, start, end in _passages(log_starts[1:], log_ends[1:], in_window, max_answer_len, top_k):
                found.append(Passage(log_score, start, end, index))
                different.add(context.text[start:end])
                if len(different) == top_k:
                    break
    return rank_answers(
        [one.context.text for one in contexts],
        found,
        top_k=top_k,
        null_score=float(np.exp(log_null)),
        null_rank=None if null_threshold is None else log_null - null_threshold,
    )


def _log_probabilities(logits: Logits, window: TextWindow, selectable: NDArray[np.bool_]) -> Scores:
    """The logarithms of the probabilities of [CLS] and of each token of the context in the window, in that order."""
    values = finite(np.concatenate([logits[:1], logits[window.begin : window.end]]))
    values[1:][~selectable[window.first : window.first + len(window)]] = -np.inf
    probabilities: Scores = values - np.logaddexp.reduce(values)
    return probabilities


def _passages(
    log_starts: Scores, log_ends: Scores, spans: NDArray[np.int64], max_answer_len: int, top_k: int
) -> Iterator[tuple[float, int, int]]:
    """(logarithm of the score, start, end) of the passages of one window, best first; only one if `top_k` is 1."""
    # Models may start an answer at a bare "▁", because a word begins there, but no answer ends at one: it has no
    # characters, unless it is extended to a word.
    log_ends = np.where(spans[:, 0] == spans[:, 1], -np.inf, log_ends)
    longest = min(max_answer_len, len(log_starts))
    if longest == 0:
        return
    # sums[first, extra] is for the passage from token `first` to token `first + extra`.
    sums = log_starts[:, np.newaxis] + sliding_window_view(
        np.concatenate([log_ends, np.full(longest - 1, -np.inf)]), longest
    )
    order = [sums.argmax()] if top_k == 1 else np.argsort(-sums, axis=None, kind="stable")
    for place in order:
        first, extra = divmod(int(place), longest)
        if sums[first, extra] == -np.inf:
            return
        yield float(sums[first, extra]), int(spans[first, 0]), int(spans[first + extra, 1])
