"""Metrics of text classification: accuracy, F1 and Matthews correlation; for numbers, two correlations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.evaluation.datasets.example import Example


def label_scores(examples: Sequence[Example], answers: Sequence[str]) -> dict[str, float]:
    """Return accuracy, macro_f1 and matthews (the Matthews correlation), each times 100.

    macro_f1 is the mean over the labels that occur in the file or in the answers. matthews is 0 if only one label
    occurs.
    """
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    expected = [example.expected for example in examples]
    constant = len({*expected, *answers}) == 1
    return {
        "accuracy": 100 * float(accuracy_score(expected, answers)),
        "macro_f1": 100 * float(f1_score(expected, answers, average="macro", zero_division=0)),
        "matthews": 0.0 if constant else 100 * float(matthews_corrcoef(expected, answers)),
    }


def multi_label_scores(examples: Sequence[Example], answers: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return accuracy, macro_f1 and micro_f1 for texts with several labels, each times 100.

    accuracy is the share of texts for which the set of labels is right. macro_f1 is the mean over the labels that
    occur in the file or in the answers. Both F1 scores are 100 if there are no labels in either.
    """
    from sklearn.metrics import f1_score

    expected = [set(example.expected) for example in examples]
    given = list(map(set, answers))
    scores = {"accuracy": 100 * float(np.mean([one == other for one, other in zip(expected, given, strict=True)]))}
    labels = sorted(set().union(*expected, *given))
    if not labels:
        return scores | {"macro_f1": 100.0, "micro_f1": 100.0}
    # of shape [texts, labels]
    true, found = (np.array([[label in row for label in labels] for row in side], int) for side in (expected, given))
    each = [f1_score(true[:, column], found[:, column], zero_division=0) for column in range(len(labels))]
    together = f1_score(true.ravel(), found.ravel(), zero_division=0)
    return scores | {"macro_f1": 100 * float(np.mean(each)), "micro_f1": 100 * float(together)}


def value_scores(examples: Sequence[Example], answers: Sequence[float]) -> dict[str, float]:
    """Return the correlations pearson and spearman, times 100; 0 if all expected values or all answers are equal."""
    expected = np.array([example.expected for example in examples], np.float64)
    given = np.array(answers, np.float64)
    return {
        "pearson": 100 * _correlation(expected, given),
        "spearman": 100 * _correlation(_ranks(expected), _ranks(given)),
    }


def _correlation(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    # Values are scaled to at most 1, so that large ones don't overflow and equal ones are exactly equal to their mean.
    left, right = (side / (np.abs(side).max() or 1.0) for side in (left, right))
    left, right = left - left.mean(), right - right.mean()
    scale = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(left @ right) / scale if scale else 0.0


def _ranks(values: NDArray[np.float64]) -> NDArray[Any]:
    """Return the rank of each value, from 1; equal values get the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]
