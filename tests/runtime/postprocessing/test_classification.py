from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.errors import BundleError
from albert_runtime.postprocessing.classification import (
    MULTI_LABEL,
    REGRESSION,
    SINGLE_LABEL,
    choose,
    judge_order,
    label_text,
    resolve_problem_type,
)


def logits(*values):
    return np.array(values, np.float32)


class TestLabelText:
    def test_one_of_several(self):
        found = label_text(np.log(logits(1, 3)), ("bad", "good"), None)
        assert [(one.label, pytest.approx(one.score)) for one in found] == [("good", 0.75), ("bad", 0.25)]

    def test_several_at_once(self):
        found = label_text(logits(0, 800, -800), ("a", "b", "c"), "multi_label_classification")
        assert [(one.label, one.score) for one in found] == [("b", 1.0), ("a", 0.5), ("c", 0.0)]

    @pytest.mark.parametrize("problem_type", [None, "regression"])
    def test_regression_gives_the_value(self, problem_type):
        assert label_text(logits(-2.5), ("stars",), problem_type)[0].score == -2.5

    def test_labels_must_fit_the_graph(self):
        with pytest.raises(BundleError, match="gives 3 scores"):
            label_text(logits(1, 2, 3), ("a", "b"), None)


def test_choose():
    choice = choose(np.log(logits(1, 6, 3)), ["a", "b", "c"])
    assert (choice.index, choice.text, choice.score) == (1, "b", pytest.approx(0.6))
    assert choice.scores == pytest.approx((0.1, 0.6, 0.3))


@pytest.mark.parametrize(("values", "label"), [((2, 1), "in order"), ((1, 2), "swapped"), ((1, 1), "in order")])
def test_judge_order(values, label):
    order = judge_order(np.log(logits(*values)))
    assert (order.label, order.in_order) == (label, label == "in order")
    assert order.score == pytest.approx(max(values) / sum(values))


@pytest.mark.parametrize(
    ("problem_type", "label_count", "expected"),
    [
        (None, 1, REGRESSION),
        (None, 3, SINGLE_LABEL),
        (SINGLE_LABEL, 1, SINGLE_LABEL),
        (MULTI_LABEL, 1, MULTI_LABEL),
        (REGRESSION, 3, REGRESSION),
    ],
)
def test_what_the_logits_of_a_text_classifier_mean(problem_type, label_count, expected):
    assert resolve_problem_type(problem_type, label_count) == expected
