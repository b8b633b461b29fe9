from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.errors import UsageError
from tests.runtime.test_session import canned


def session_with(tmp_path, *logits, **fields):
    return canned(tmp_path, "text-classification", lambda *_: {"logits": np.array([logits])}, **fields)


@pytest.mark.parametrize("config", [{}, {"problem_type": "single_label_classification"}])
@pytest.mark.parametrize(("logit", "score"), [(4, 0.98201379), (-4, 0.01798621)])
def test_a_single_label_is_a_probability(tmp_path, config, logit, score):
    session = session_with(tmp_path, logit, labels=("spam",), config=config)
    (label,) = session("a film")
    assert (label.label, label.score) == ("spam", pytest.approx(score))
    (label,) = session("a film", function_to_apply="none")
    assert label.score == logit


def test_regression_is_the_value(tmp_path):
    session = session_with(tmp_path, 4.25, labels=("stars",), config={"problem_type": "regression"})
    assert session("a film", "a door")[0].score == 4.25


def test_the_best_labels_and_those_above_a_threshold(tmp_path):
    config = {"problem_type": "multi_label_classification"}
    session = session_with(tmp_path, 3, -1, 1, labels=("a", "b", "c"), config=config)
    assert [one.label for one in session("a film")] == ["a", "c", "b"]
    assert [one.label for one in session("a film", top_k=1)] == ["a"]
    assert [one.label for one in session("a film", threshold=0.5)] == ["a", "c"]
    assert session("a film", threshold=0.999) == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"top_k": 0}, "top_k must be a whole number"),
        ({"function_to_apply": "tanh"}, "'tanh' is unknown; choose one of 'softmax', 'sigmoid', 'none'"),
        ({"threshold": "half"}, r"threshold must be a number, such as 0\.5, not 'half'"),
        ({"threshold": float("nan")}, "threshold must be a number"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        session_with(tmp_path, 0, 1)("a film", **arguments)
