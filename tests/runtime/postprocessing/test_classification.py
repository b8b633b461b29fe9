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
    zero_shot,
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

    def test_regression_gives_the_value(self):
        assert label_text(logits(-2.5), ("stars",), REGRESSION)[0].score == -2.5

    @pytest.mark.parametrize("problem_type", [None, SINGLE_LABEL, MULTI_LABEL])
    @pytest.mark.parametrize(("logit", "score"), [(4, 0.98201379), (-4, 0.01798621)])
    def test_a_single_label_gets_a_sigmoid(self, problem_type, logit, score):
        assert label_text(logits(logit), ("spam",), problem_type)[0].score == pytest.approx(score)

    @pytest.mark.parametrize(
        ("function", "scores"),
        [("softmax", (2 / 3, 1 / 3)), ("sigmoid", (2 / 3, 1 / 2)), ("none", (np.log(2), 0.0))],
    )
    @pytest.mark.parametrize("problem_type", [None, SINGLE_LABEL, MULTI_LABEL, REGRESSION])
    def test_the_function_that_is_asked_for(self, problem_type, function, scores):
        found = label_text(logits(0, np.log(2)), ("a", "b"), problem_type, function)
        assert [one.label for one in found] == ["b", "a"]
        assert [one.score for one in found] == pytest.approx(scores)

    def test_the_best_ones_and_those_above_a_threshold(self):
        values = logits(3, -1, 0, 1)
        best = label_text(values, "abcd", MULTI_LABEL, top_k=2)
        assert [one.label for one in best] == ["a", "d"]
        assert [one.label for one in label_text(values, "abcd", MULTI_LABEL, threshold=0.5)] == ["a", "d", "c"]
        assert label_text(values, "abcd", MULTI_LABEL, threshold=0.99) == ()

    def test_labels_must_fit_the_graph(self):
        with pytest.raises(BundleError, match="gives 3 scores"):
            label_text(logits(1, 2, 3), ("a", "b"), None)


class TestZeroShot:
    logits = np.array([[0, 1, 2], [3, 0, 2.5], [1, 1, 0]], np.float32)
    labels = ("a", "b", "c")

    def test_labels_that_exclude_each_other(self):
        found = zero_shot(self.logits, self.labels, entailment=2, contradiction=0, multi_label=False)
        expected = np.exp([2.5, 2, 0]) / np.exp([2.5, 2, 0]).sum()
        assert [one.label for one in found] == ["b", "a", "c"]
        assert [one.score for one in found] == pytest.approx(expected.tolist())

    def test_labels_that_may_apply_together(self):
        found = zero_shot(self.logits, self.labels, entailment=2, contradiction=0, multi_label=True)
        assert [one.label for one in found] == ["a", "b", "c"]
        assert [one.score for one in found] == pytest.approx([1 / (1 + np.exp(-x)) for x in (2, -0.5, -1)])

    def test_a_single_label_is_scored_by_itself(self):
        (found,) = zero_shot(self.logits[:1], ("a",), entailment=2, contradiction=0, multi_label=False)
        assert found.score == pytest.approx(1 / (1 + np.exp(-2)))


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
