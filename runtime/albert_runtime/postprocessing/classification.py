"""Labels of a text, the best of several choices, and the order of two texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from albert_runtime.answers import Choice, Filled, Label, SentenceOrder
from albert_runtime.postprocessing.probabilities import Logits, Scores, check_label_count, finite, softmax

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


def default_function(problem_type: str | None, label_count: int) -> str:
    """The function that turns logits into scores if a call names none: one of FUNCTIONS.

    It is that of Hugging Face's text-classification pipeline: the logit itself if config.json says "regression",
    otherwise a sigmoid for each label if there is one label or if several may apply, otherwise a softmax. A single
    label without "problem_type" therefore gets a sigmoid, though `resolve_problem_type` takes it for a regression:
    those who trained a regression that way ask for "none".
    """
    if problem_type == REGRESSION:
        return "none"
    return "sigmoid" if problem_type == MULTI_LABEL or label_count == 1 else "softmax"


def label_text(
    logits: Logits,
    labels: Sequence[str],
    problem_type: str | None,
    function_to_apply: str | None = None,
    *,
    top_k: int | None = None,
    threshold: float | None = None,
) -> tuple[Label, ...]:
    """The labels of a text with their scores, best first.

    Args:
        logits: `[labels]`.
        labels: the names of the labels.
        problem_type: the value in config.json, see `default_function`.
        function_to_apply: "softmax" over all labels, "sigmoid" of each label's logit, or "none" for the logits
            themselves; None for the default of the problem type.
        top_k: how many labels to return; None for all.
        threshold: the least score of a label that is returned; None for no such limit.

    Raises:
        BundleError: there are more or fewer logits than labels, or they are not finite.
    """
    check_label_count(logits, labels)
    function = function_to_apply or default_function(problem_type, len(labels))
    scores = _FUNCTIONS[function](logits)
    order = np.argsort(-scores, kind="stable")[:top_k]
    return tuple(
        Label(labels[index], float(scores[index]))
        for index in order
        if threshold is None or float(scores[index]) >= threshold
    )


def zero_shot(
    logits: Logits, labels: Sequence[str], *, entailment: int, contradiction: int, multi_label: bool
) -> tuple[Label, ...]:
    """The candidate labels of a text with their scores, best first, as in Hugging Face's zero-shot pipeline.

    Args:
        logits: `[candidates, labels of the model]`: the logits of the text with the hypothesis for each candidate.
        labels: the candidate labels.
        entailment: the index of the model's label for entailment.
        contradiction: the index of the model's label for contradiction.
        multi_label: each score is the probability of entailment against contradiction. If False, the scores are a
            softmax of the entailment logits over all candidates; a single candidate is scored as if it were True.

    Raises:
        BundleError: the logits are not finite.
    """
    if multi_label or len(labels) == 1:
        scores = softmax(logits[:, [contradiction, entailment]])[:, 1]
    else:
        scores = softmax(logits[:, entailment])
    return tuple(Label(labels[index], float(scores[index])) for index in np.argsort(-scores, kind="stable"))


def _sigmoid(logits: Logits) -> Scores:
    # This is 1 / (1 + exp(-x)) in a form that does not overflow where -x is large.
    scores: Scores = np.exp(-np.logaddexp(0.0, -finite(logits)))
    return scores


_FUNCTIONS: Mapping[str, Callable[[Logits], Scores]] = {"softmax": softmax, "sigmoid": _sigmoid, "none": finite}
#: the functions that turn logits into scores, by the names of Hugging Face's `function_to_apply`
FUNCTIONS = tuple(_FUNCTIONS)


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
