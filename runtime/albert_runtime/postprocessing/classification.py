"""Labels of a text, the best of several choices, and the order of two texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from albert_runtime.answers import Choice, Filled, Label, SentenceOrder
from albert_runtime.postprocessing.probabilities import Logits, check_label_count, finite, softmax

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
        scores = np.exp(-np.logaddexp(0.0, -finite(logits)))
    elif problem == REGRESSION:
        scores = finite(logits)
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
