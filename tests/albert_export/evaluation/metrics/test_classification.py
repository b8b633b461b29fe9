"""Accuracy, F1 and correlations are compared with values computed by hand and by SciPy."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from albert_export.evaluation import Example
from albert_export.evaluation.metrics.classification import label_scores, multi_label_scores, value_scores


def examples(*expected: object) -> list[Example]:
    return [Example({}, one) for one in expected]


def test_labels() -> None:
    scores = label_scores(examples("a", "a", "b", "b"), ["a", "b", "b", "b"])
    assert scores["accuracy"] == 75
    # a: precision 1, recall 1/2; b: precision 2/3, recall 1
    assert scores["macro_f1"] == pytest.approx(100 * (2 / 3 + 4 / 5) / 2)
    # (1 * 2 - 0 * 1) / sqrt(1 * 2 * 2 * 3)
    assert scores["matthews"] == pytest.approx(100 * 2 / 12**0.5)


def test_one_label_only() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert label_scores(examples("a", "a"), ["a", "a"]) == {"accuracy": 100, "macro_f1": 100, "matthews": 0}


def test_several_labels() -> None:
    scores = multi_label_scores(examples(("a", "b"), ("a",), ()), [["a", "b"], ["b"], []])
    # a: 1 of 2 found, 1 of 1 right; b: 1 of 1 found, 1 of 2 right
    assert scores == {
        "accuracy": pytest.approx(200 / 3),
        "macro_f1": pytest.approx(200 / 3),
        "micro_f1": pytest.approx(200 / 3),
    }


def test_no_label_anywhere() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert multi_label_scores(examples((), ()), [[], []]) == {"accuracy": 100, "macro_f1": 100, "micro_f1": 100}


numbers = st.floats(-1e9, 1e9).map(lambda value: round(value, 3))


@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=20))
def test_correlations_are_scipys(pairs: list[tuple[float, float]]) -> None:
    expected, given = (np.array(side) for side in zip(*pairs, strict=True))
    scores = value_scores(examples(*expected.tolist()), given.tolist())
    if min(expected.std() / (1 + abs(expected).max()), given.std() / (1 + abs(given).max())) < 1e-6:
        return  # there is nothing to correlate
    assert scores["pearson"] == pytest.approx(100 * stats.pearsonr(expected, given)[0], abs=1e-6)
    assert scores["spearman"] == pytest.approx(100 * stats.spearmanr(expected, given)[0], abs=1e-6)


@pytest.mark.parametrize("answers", [[0.1] * 3, [1e308] * 3, [0.0] * 3])
def test_equal_numbers_correlate_with_nothing(answers: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert value_scores(examples(1.0, 2.0, 3.0), answers) == {"pearson": 0, "spearman": 0}


@pytest.mark.parametrize("large", [1e308, 1e-300])
def test_large_and_small_numbers(large: float) -> None:
    scores = value_scores(examples(large, -large, 0.0), [3.0, 1.0, 2.0])
    assert scores == {"pearson": pytest.approx(100), "spearman": pytest.approx(100)}
