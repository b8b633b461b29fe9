"""Text classification: accuracy, macro F1 and Matthews correlation; of numbers, Pearson and Spearman correlation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.evaluation.datasets.example import Example


def label_scores(examples: Sequence[Example], answers: Sequence[str]) -> dict[str, float]:
    """accuracy, macro_f1 (the mean over the labels that occur, in the file or in answers) and matthews.

    The last is 0 where only one label occurs.
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
    """accuracy (texts all of whose labels are right), macro_f1 over the labels that occur, and micro_f1.

    Where no text has a label, and none is given one, all is right.
    """
    from sklearn.metrics import f1_score

    expected = [set(example.expected) for example in examples]
    given = list(map(set, answers))
    scores = {"accuracy": 100 * float(np.mean([one == other for one, other in zip(expected, given, strict=True)]))}
    labels = sorted(set().union(*expected, *given))
    if not labels:
        return scores | {"macro_f1": 100.0, "micro_f1": 100.0}
    # [texts, labels]
    true, found = (np.array([[label in row for label in labels] for row in side], int) for side in (expected, given))
    each = [f1_score(true[:, column], found[:, column], zero_division=0) for column in range(len(labels))]
    together = f1_score(true.ravel(), found.ravel(), zero_division=0)
    return scores | {"macro_f1": 100 * float(np.mean(each)), "micro_f1": 100 * float(together)}


def value_scores(examples: Sequence[Example], answers: Sequence[float]) -> dict[str, float]:
    """pearson and spearman, times 100; 0 where all numbers of one side are equal, which correlate with nothing."""
    expected = np.array([example.expected for example in examples], np.float64)
    given = np.array(answers, np.float64)
    return {
        "pearson": 100 * _correlation(expected, given),
        "spearman": 100 * _correlation(_ranks(expected), _ranks(given)),
    }


def _correlation(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    # to at most 1, so that the largest numbers have a sum, and equal ones are exactly their mean
    left, right = (side / (np.abs(side).max() or 1.0) for side in (left, right))
    left, right = left - left.mean(), right - right.mean()
    scale = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(left @ right) / scale if scale else 0.0


def _ranks(values: NDArray[np.float64]) -> NDArray[Any]:
    """The rank of each value, from 1; equal ones share the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]
