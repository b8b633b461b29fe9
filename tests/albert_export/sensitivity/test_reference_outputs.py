"""Harm: errors and changed answers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from albert_export.sensitivity.reference_outputs import Expected
from albert_runtime.errors import UnsupportedError
from albert_runtime.tasks import find_task


def expected(task: str, *logits: list[list[float]], problem_type: str | None = None) -> Expected:
    return Expected(find_task(task), problem_type, [{"logits": torch.tensor(one)} for one in logits])


def got(*logits: list[list[float]]) -> list[dict[str, torch.Tensor]]:
    return [{"logits": torch.tensor(one)} for one in logits]


def test_the_error_is_over_all_inputs_together() -> None:
    # squares: 9 + 16 + 0 + 144 = 169; differences: 0 + 1 + 0 + 144 = 145
    harm = expected("cls", [[3.0, 4.0]], [[0.0, 12.0]]).harm(got([[3.0, 5.0]], [[0.0, 0.0]]))
    assert harm.error == pytest.approx(math.sqrt(145 / 169))


def test_equal_outputs_do_no_harm() -> None:
    harm = expected("cls", [[3.0, 4.0]]).harm(got([[3.0, 4.0]]))
    assert (harm.error, harm.changed) == (0.0, 0.0)


def test_near_ties_are_no_answers() -> None:
    # the second is decided by less than 0.05: it may fall either way
    model = expected("cls", [[3.0, 1.0]], [[1.0, 1.01]], [[0.0, 5.0]])
    assert model.harm(got([[3.0, 1.0]], [[1.0, 0.0]], [[0.0, 5.0]])).changed == 0.0
    assert model.harm(got([[1.0, 3.0]], [[1.0, 0.0]], [[0.0, 5.0]])).changed == 0.5


def test_every_token_has_an_answer() -> None:
    model = Expected(find_task("ner"), None, [{"logits": torch.tensor([[[9.0, 0.0], [0.0, 9.0], [0.0, 9.0]]])}])
    changed = model.harm([{"logits": torch.tensor([[[9.0, 0.0], [9.0, 0.0], [0.0, 9.0]]])}]).changed
    assert changed == pytest.approx(1 / 3)


def test_several_labels_at_once_are_each_on_or_off() -> None:
    model = expected("cls", [[3.0, 4.0, -3.0, 0.1]], problem_type="multi_label_classification")
    assert model.harm(got([[3.0, 1.0, 3.0, -0.1]])).changed == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("task", "problem_type", "logits"),
    [("cls", "regression", [[1.0, 2.0]]), ("cls", None, [[1.0]]), ("mc", None, [[1.0]]), ("base", None, [[1.0, 9.0]])],
)
def test_numbers_decide_nothing(task: str, problem_type: str | None, logits: list[list[float]]) -> None:
    assert expected(task, logits, problem_type=problem_type).harm(got([[-x for x in logits[0]]])).changed is None


def test_outputs_that_are_not_finite_are_infinitely_wrong() -> None:
    harm = expected("cls", [[3.0, 1.0]]).harm(got([[math.nan, 1.0]]))
    assert harm.error == math.inf
    assert harm.to_dict()["error"] is None


def test_a_model_of_nothing_but_zeros_is_compared_too() -> None:
    model = expected("cls", [[0.0, 0.0]])
    assert model.harm(got([[0.0, 0.0]])).error == 0.0
    assert model.harm(got([[3.0, 4.0]])).error == 5.0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_that_gives_no_numbers_is_refused(value: float) -> None:
    with pytest.raises(UnsupportedError, match="not finite"):
        expected("cls", [[1.0, value]])
