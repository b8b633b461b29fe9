"""Raw outputs -> answers: one pure function for each task that answers in words.

Logits come as float32 and are turned into probabilities in float64, so that a distribution over the 100,000
tokens of a long document still adds up to 1. Entities have a file of their own, `entities.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_runtime.answers import Answer, Choice, Filled, Label, SentenceOrder
from albert_runtime.errors import BundleError
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.sentencepiece_model import WORD_START
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from albert_runtime.windows import TextWindow

Logits = NDArray[np.float32]
Scores = NDArray[np.float64]

#: tokens that may begin at one character: a bare "▁" and what follows it, or the parts of a ligature
_TWINS = 4

#: config.json's "problem_type" -> what its logits mean, as in Hugging Face's AlbertForSequenceClassification
MULTI_LABEL = "multi_label_classification"
REGRESSION = "regression"


def softmax(logits: NDArray[Any]) -> Scores:
    """Probabilities along the last axis.

    Raises:
        BundleError: `logits` holds NaN or infinity, as a graph in half precision may give that overflows.
    """
    values = _finite(logits)
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: Scores = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def label_text(logits: Logits, labels: Sequence[str], problem_type: str | None) -> tuple[Label, ...]:
    """Every label with its score, best first.

    Args:
        logits: [labels].
        labels: their names.
        problem_type: of config.json. MULTI_LABEL scores each label by itself (sigmoid), REGRESSION gives the raw
            values, and so does a single label without a problem type; all else is one choice (softmax).
    """
    check_count(logits, labels)
    if problem_type == MULTI_LABEL:
        # 1 / (1 + exp(-x)) without its overflow at large -x
        scores = np.exp(-np.logaddexp(0.0, -_finite(logits)))
    elif problem_type == REGRESSION or (problem_type is None and len(labels) == 1):
        scores = _finite(logits)
    else:
        scores = softmax(logits)
    order = np.argsort(-scores, kind="stable")
    return tuple(Label(labels[index], float(scores[index])) for index in order)


def choose(logits: Logits, choices: Sequence[str]) -> Choice:
    """The best of `choices`; logits: [choices]."""
    scores = softmax(logits)
    best = int(scores.argmax())
    return Choice(best, choices[best], float(scores[best]), tuple(scores.tolist()))


def judge_order(logits: Logits, filled: tuple[tuple[Filled, ...], ...] = ()) -> SentenceOrder:
    """Sentence order from its two logits: 0 means as written, 1 means swapped (ALBERT paper, section 3.1)."""
    scores = softmax(logits)
    in_order = bool(scores[0] >= scores[1])
    return SentenceOrder("in order" if in_order else "swapped", in_order, float(scores.max()), filled)


def fill_masks(
    logits: Logits,
    encoding: Encoding,
    texts: Sequence[str],
    tokenizer: AlbertTokenizer,
    top_k: int,
) -> tuple[tuple[Filled, ...], ...]:
    """For each mask, in the order of the text, the `top_k` best pieces, best first.

    Args:
        logits: [sequence, vocabulary].
        encoding: the sequence.
        texts: the text that was encoded, and its partner if it was a pair.
        tokenizer: that the text was encoded with.
        top_k: how many to give for each mask.
    """
    masks = []
    for place, token_id in enumerate(encoding.ids):
        owner = encoding.sequence_ids[place]
        if token_id != tokenizer.mask_token_id or owner is None:
            continue
        scores = softmax(logits[place])
        # The model's output may be wider than the vocabulary (padded up to a round number).
        best = np.argsort(-scores[: tokenizer.vocab_size], kind="stable")[:top_k].tolist()
        masks.append(
            tuple(
                Filled(
                    token=piece.removeprefix(WORD_START) or WORD_START,
                    token_id=piece_id,
                    score=float(scores[piece_id]),
                    text=_put(texts[owner], encoding.offsets[place], piece),
                )
                for piece_id, piece in zip(best, tokenizer.convert_ids_to_tokens(best), strict=True)
            )
        )
    return tuple(masks)


def best_answers(
    windows: Sequence[TextWindow],
    start_logits: Sequence[Logits],
    end_logits: Sequence[Logits],
    context: str,
    *,
    top_k: int,
    max_answer_tokens: int,
) -> tuple[Answer, ...]:
    """The best passages of the context, best first; fewer than `top_k` where there are no more.

    A passage runs from a start token to an end token of one window, both of the context, at most
    `max_answer_tokens` long, and is ranked by the sum of its start and end logits. Its score is
    P(start) * P(end), as in Hugging Face's question-answering pipeline, with two differences: [CLS] takes no share,
    and each of the two distributions runs over the tokens of the whole context, where a token that several windows
    show counts once, with its highest logit. So a score does not depend on how a context falls into windows, and
    scores of different windows compare.
    A passage that several windows propose, or several tokens that begin at one character, is one answer.

    Args:
        windows: of the context.
        start_logits, end_logits: for each window, float32 [sequence].
        context: the text that the answers are cut from.
        top_k: how many answers.
        max_answer_tokens: the longest answer, in tokens.
    """
    starts = [_finite(row[window.begin : window.end]) for window, row in zip(windows, start_logits, strict=True)]
    ends = [_finite(row[window.begin : window.end]) for window, row in zip(windows, end_logits, strict=True)]
    total = _log_total(windows, starts) + _log_total(windows, ends)
    found: dict[tuple[int, int], float] = {}
    for window, start_row, end_row in zip(windows, starts, ends, strict=True):
        offsets = window.encoding.offsets[window.begin : window.end]
        # A bare "▁" is where a word begins, so models do start answers there; none ends on one.
        blank = np.array([start == end for start, end in offsets], dtype=bool)
        end_row = np.where(blank, -np.inf, end_row)
        for sum_of_logits, first, last in _best_spans(start_row, end_row, top_k * _TWINS, max_answer_tokens):
            passage = (offsets[first][0], offsets[last][1])
            found[passage] = max(found.get(passage, -np.inf), sum_of_logits)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:top_k]
    return tuple(Answer(context[start:end], float(np.exp(logit - total)), start, end) for (start, end), logit in ranked)


def _best_spans(starts: Scores, ends: Scores, top_k: int, longest: int) -> list[tuple[float, int, int]]:
    """(start + end logit, first token, last token) of the `top_k` best spans of one window, in no order."""
    count = len(starts)
    longest = min(longest, count)
    # sums[extra, first]: the span of `extra` tokens after its first
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
    """log of the sum of exp(logit) over the text's tokens, each counted once."""
    logits = np.full(max(window.first + len(window) for window in windows), -np.inf)
    for window, row in zip(windows, rows, strict=True):
        here = logits[window.first : window.first + len(window)]
        np.maximum(here, row, out=here)
    return float(np.logaddexp.reduce(logits))


def _put(text: str, span: tuple[int, int], piece: str) -> str:
    """`text` with `piece` in place of the mask at `span`.

    The mask stands for the space on its left too, so it is the piece that says whether there is one.
    """
    left = text[: span[0]].rstrip()
    word = piece.removeprefix(WORD_START)
    space = ""
    if word != piece:
        space = text[len(left) : span[0]] or (" " if left else "")
    return left + space + word + text[span[1] :]


def _finite(logits: NDArray[Any]) -> Scores:
    values = np.asarray(logits, dtype=np.float64)
    if not np.isfinite(values).all():
        raise BundleError(
            "the model gave values that are not numbers (NaN or infinity); "
            "export it again in a higher precision: albert-export onnx --precision fp32"
        )
    return values


def check_count(logits: NDArray[Any], labels: Sequence[str]) -> None:
    if logits.shape[-1] != len(labels):
        raise BundleError(
            f"the model gives {logits.shape[-1]} scores, and the bundle's manifest names {len(labels)} labels: "
            f"{', '.join(labels)}; export the model again"
        )
