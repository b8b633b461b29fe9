"""Quantization errors and changed answers, worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from albert_export.sensitivity.reference_outputs import ReferenceOutputs
from albert_runtime.errors import UnsupportedError
from albert_runtime.tasks import find_task


def reference(task: str, *logits: list[list[float]], problem_type: str | None = None) -> ReferenceOutputs:
    return ReferenceOutputs(find_task(task), problem_type, [{"logits": torch.tensor(one)} for one in logits])


def outputs(*logits: list[list[float]]) -> list[dict[str, torch.Tensor]]:
    return [{"logits": torch.tensor(one)} for one in logits]


def test_the_error_is_over_all_inputs_together() -> None:
    # squares: 9 + 16 + 0 + 144 = 169; differences: 0 + 1 + 0 + 144 = 145
    found = reference("cls", [[3.0, 4.0]], [[0.0, 12.0]]).quantization_error(outputs([[3.0, 5.0]], [[0.0, 0.0]]))
    assert found.error == pytest.approx(math.sqrt(145 / 169))


def test_equal_outputs_have_no_error() -> None:
    found = reference("cls", [[3.0, 4.0]]).quantization_error(outputs([[3.0, 4.0]]))
    assert (found.error, found.changed) == (0.0, 0.0)


def test_near_ties_do_not_count() -> None:
    # the second is decided by less than 0.05: it may fall either way
    model = reference("cls", [[3.0, 1.0]], [[1.0, 1.01]], [[0.0, 5.0]])
    assert model.quantization_error(outputs([[3.0, 1.0]], [[1.0, 0.0]], [[0.0, 5.0]])).changed == 0.0
    assert model.quantization_error(outputs([[1.0, 3.0]], [[1.0, 0.0]], [[0.0, 5.0]])).changed == 0.5


def test_every_token_has_an_answer() -> None:
    model = ReferenceOutputs(find_task("ner"), None, [{"logits": torch.tensor([[[9.0, 0.0], [0.0, 9.0], [0.0, 9.0]]])}])
    changed = model.quantization_error([{"logits": torch.tensor([[[9.0, 0.0], [9.0, 0.0], [0.0, 9.0]]])}]).changed
    assert changed == pytest.approx(1 / 3)


def test_several_labels_at_once_are_each_on_or_off() -> None:
    model = reference("cls", [[3.0, 4.0, -3.0, 0.1]], problem_type="multi_label_classification")
    assert model.quantization_error(outputs([[3.0, 1.0, 3.0, -0.1]])).changed == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("task", "problem_type", "logits"),
    [("cls", "regression", [[1.0, 2.0]]), ("cls", None, [[1.0]]), ("mc", None, [[1.0]]), ("base", None, [[1.0, 9.0]])],
)
def test_numbers_decide_nothing(task: str, problem_type: str | None, logits: list[list[float]]) -> None:
    assert (
        reference(task, logits, problem_type=problem_type)
        .quantization_error(outputs([[-x for x in logits[0]]]))
        .changed
        is None
    )


def test_outputs_that_are_not_finite_are_infinitely_wrong() -> None:
    found = reference("cls", [[3.0, 1.0]]).quantization_error(outputs([[math.nan, 1.0]]))
    assert found.error == math.inf
    assert found.to_dict()["error"] is None


def test_a_model_of_nothing_but_zeros_is_compared_too() -> None:
    model = reference("cls", [[0.0, 0.0]])
    assert model.quantization_error(outputs([[0.0, 0.0]])).error == 0.0
    assert model.quantization_error(outputs([[3.0, 4.0]])).error == 5.0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_that_gives_no_numbers_is_refused(value: float) -> None:
    with pytest.raises(UnsupportedError, match="not finite"):
        reference("cls", [[1.0, value]])
