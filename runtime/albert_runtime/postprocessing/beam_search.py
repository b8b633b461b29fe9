"""The n-best answers of Google's head for SQuAD v2.0, which names the best starts, and the best ends for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from albert_runtime.answers import Answer
from albert_runtime.contexts import TokenizedContext
from albert_runtime.postprocessing.beams import Beams
from albert_runtime.postprocessing.probabilities import logit, sigmoid
from albert_runtime.postprocessing.ranking import Passage, rank_answers
from albert_runtime.windows import TextWindow


class ContextBeams(NamedTuple):
    """The windows of one context, and the beams of each."""

    context: TokenizedContext
    windows: Sequence[TextWindow]
    beams: Sequence[Beams]


def best_beam_answers(
    contexts: Sequence[ContextBeams],
    *,
    top_k: int,
    max_answer_len: int,
    align_to_words: bool = True,
    null_threshold: float | None = None,
) -> tuple[Answer, ...]:
    """The best answers, best first; at least one, and fewer than `top_k` if there are not so many different ones.

    As in `accumulate_predictions_v2` and `write_predictions_v2` of google-research/albert `squad_utils.py`, a passage
    goes from a start of the beam to one of the ends found for it, and its score is P(start) * P(end | start), whose
    logarithm Google ranks by. Of a token in several windows, only the window that shows most around it may start an
    answer there. `null_score` is the probability of "there is no answer", the sigmoid of the least `cls_logits` of all
    windows; unlike with the other head, it does not depend on the passages.

    Args:
        contexts: the contexts with the beams of their windows.
        top_k: the number of answers.
        max_answer_len: the most tokens in an answer.
        align_to_words: extend passages to whole words, that is, to the next white space on each side.
        null_threshold: if it is not None, the empty answer is one of the answers. It is the best one if the least
            `cls_logits` is above this, and comes after all passages otherwise. (Google's script lets it win at exactly
            this number too, although evaluate-v2.0.py, which finds the number, does not.)

    Raises:
        BundleError: the outputs are not finite.
    """
    least = min(beams.cls_logit for one in contexts for beams in one.beams)
    null_score = sigmoid(least)
    # The logit of the rounded score is compared, since that is what thresholds are made of.
    is_null = null_threshold is not None and logit(null_score) > null_threshold
    answers = rank_answers(
        [one.context.text for one in contexts],
        [
            passage
            for index, one in enumerate(contexts)
            for passage in _passages(one, index, max_answer_len, align_to_words)
        ],
        top_k=top_k,
        null_score=null_score,
        null_rank=None if null_threshold is None else np.inf if is_null else -np.inf,
    )
    # If no start of any window has an end behind it, Google's script writes an empty answer too.
    return answers or (Answer("", 0.0, 0, 0, null_score),)


def _passages(found: ContextBeams, index: int, max_answer_len: int, align_to_words: bool) -> Iterator[Passage]:
    """The passages of one context that its windows' beams hold and that can be answers."""
    context = found.context
    spans = context.word_spans if align_to_words else context.token_spans
    for window, beams, may_start in zip(found.windows, found.beams, _best_seen(found.windows), strict=True):
        for start, start_log_prob, ends, end_log_probs in zip(
            beams.starts - window.begin,
            beams.start_log_probs,
            beams.ends - window.begin,
            beams.end_log_probs,
            strict=True,
        ):
            if not (0 <= start < len(window) and may_start[start]):
                continue
            for end, end_log_prob in zip(ends, end_log_probs, strict=True):
                if not start <= end < min(len(window), start + max_answer_len):
                    continue
                first, last = int(spans[window.first + start, 0]), int(spans[window.first + end, 1])
                text = context.text[first:last]
                first, last = last - len(text.lstrip()), first + len(text.rstrip())
                if first < last:  # a bare "▁" has no characters, and an empty answer would say that there is none
                    yield Passage(float(start_log_prob + end_log_prob), first, last, index)


def _best_seen(windows: Sequence[TextWindow]) -> list[NDArray[np.bool_]]:
    """For each window and each token in it, whether no other window shows more around the token.

    This is `_check_is_max_context` of squad_utils.py: what counts is the side on which a window shows less.
    """
    count = windows[-1].first + len(windows[-1])
    scores = np.full((len(windows), count), -np.inf)
    for row, window in zip(scores, windows, strict=True):
        places = np.arange(len(window))
        row[window.first : window.first + len(window)] = np.minimum(places, places[::-1]) + 0.01 * len(window)
    best = scores.argmax(axis=0) if count else np.zeros(0, np.int64)
    return [best[window.first : window.first + len(window)] == number for number, window in enumerate(windows)]
