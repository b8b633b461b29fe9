"""Raw outputs -> answers: one pure function for each task. Token classification has its own file, `entities.py`.

Logits are float32. Probabilities are computed in float64, so that a distribution over the 100,000 tokens of a long
document still adds up to 1.
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

#: the most tokens that begin at the same character: a bare "▁" and the token after it, or the parts of a ligature
_TOKENS_AT_ONE_CHARACTER = 4

#: the values of "problem_type" in config.json, as in Hugging Face's AlbertForSequenceClassification
SINGLE_LABEL = "single_label_classification"
MULTI_LABEL = "multi_label_classification"
REGRESSION = "regression"


def resolve_problem_type(problem_type: str | None, label_count: int) -> str:
    """What the logits of a text classifier mean: SINGLE_LABEL, MULTI_LABEL or REGRESSION.

    Args:
        problem_type: the value in config.json. If there is none, a single label means regression, and several labels
            mean one choice among them.
        label_count: the number of labels.
    """
    if problem_type in (MULTI_LABEL, REGRESSION):
        return problem_type
    return REGRESSION if problem_type is None and label_count == 1 else SINGLE_LABEL


def softmax(logits: NDArray[Any]) -> Scores:
    """Probabilities along the last axis.

    Raises:
        BundleError: `logits` holds NaN or infinity, which a graph in half precision gives when it overflows.
    """
    values = _finite(logits)
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: Scores = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def label_text(logits: Logits, labels: Sequence[str], problem_type: str | None) -> tuple[Label, ...]:
    """Every label with its score, best first.

    Args:
        logits: `[labels]`.
        labels: the names of the labels.
        problem_type: the value in config.json, see `resolve_problem_type`. A score is a sigmoid of the label's logit
            for MULTI_LABEL, the logit itself for REGRESSION, and a softmax over all labels for SINGLE_LABEL.

    Raises:
        BundleError: there are more or fewer logits than labels, or they are not finite.
    """
    check_label_count(logits, labels)
    problem = resolve_problem_type(problem_type, len(labels))
    if problem == MULTI_LABEL:
        # This is 1 / (1 + exp(-x)) in a form that does not overflow where -x is large.
        scores = np.exp(-np.logaddexp(0.0, -_finite(logits)))
    elif problem == REGRESSION:
        scores = _finite(logits)
    else:
        scores = softmax(logits)
    order = np.argsort(-scores, kind="stable")
    return tuple(Label(labels[index], float(scores[index])) for index in order)


def choose(logits: Logits, choices: Sequence[str]) -> Choice:
    """The best of `choices`; the shape of `logits` is `[choices]`."""
    scores = softmax(logits)
    best = int(scores.argmax())
    return Choice(best, choices[best], float(scores[best]), tuple(scores.tolist()))


def judge_order(logits: Logits, filled: tuple[tuple[Filled, ...], ...] = ()) -> SentenceOrder:
    """The order of two texts from its two logits: 0 is in order, 1 is swapped (ALBERT paper, section 3.1)."""
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
    """The `top_k` best pieces for each mask, best first; the masks are in the order of the text.

    Args:
        logits: `[sequence, vocabulary]`.
        encoding: the sequence.
        texts: the text that was encoded; and the second text, if it was a pair.
        tokenizer: the tokenizer that encoded the text.
        top_k: the number of pieces for each mask.
    """
    masks = []
    for place, token_id in enumerate(encoding.ids):
        owner = encoding.sequence_ids[place]
        if token_id != tokenizer.mask_token_id or owner is None:
            continue
        scores = softmax(logits[place])
        # The output may be wider than the vocabulary: some models pad it to a round number.
        best = np.argsort(-scores[: tokenizer.vocab_size], kind="stable")[:top_k].tolist()
        masks.append(
            tuple(
                Filled(
                    token=piece.removeprefix(WORD_START) or WORD_START,
                    token_id=piece_id,
                    score=float(scores[piece_id]),
                    text=_fill(texts[owner], encoding.offsets[place], piece),
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
    starts = [_finite(row[window.begin : window.end]) for window, row in zip(windows, start_logits, strict=True)]
    ends = [_finite(row[window.begin : window.end]) for window, row in zip(windows, end_logits, strict=True)]
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


def _fill(text: str, span: tuple[int, int], piece: str) -> str:
    """`text` with `piece` in place of the mask at `span`.

    The mask includes the space on its left, so the piece decides whether there is a space.
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


def check_label_count(logits: NDArray[Any], labels: Sequence[str]) -> None:
    """Check that there is one logit for each label.

    Raises:
        BundleError: there are more or fewer.
    """
    if logits.shape[-1] != len(labels):
        raise BundleError(
            f"the model gives {logits.shape[-1]} scores, and the bundle's manifest names {len(labels)} labels: "
            f"{', '.join(labels)}; export the model again"
        )
