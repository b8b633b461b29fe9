"""ReferenceOutputs: the outputs of the float32 model, and how far the outputs of quantized ones are from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from albert_export.sensitivity.result import QuantizationError
from albert_export.verification.agreement import NEAR_TIE
from albert_runtime.errors import UnsupportedError
from albert_runtime.postprocessing.classification import MULTI_LABEL, REGRESSION
from albert_runtime.tasks import Task

Outputs = Mapping[str, Tensor]
#: logits -> the decisions, and their margins in probability
_Decide = Callable[[Tensor], tuple[Tensor, Tensor]]


class ReferenceOutputs:
    """The outputs of the float32 model for each input.

    Args:
        task: the task of the model.
        problem_type: of the model's configuration.
        outputs: the outputs for each input, by the names of the task's contract.

    Raises:
        UnsupportedError: the outputs are not finite.
    """

    def __init__(self, task: Task, problem_type: str | None, outputs: Sequence[Outputs]) -> None:
        self._outputs = outputs
        self._decide = _decider(task, problem_type)
        self._energy = sum(_sum_of_squares(output) for one in outputs for output in one.values())
        if not math.isfinite(self._energy):
            raise UnsupportedError(
                "the model's own outputs in float32 are not finite (NaN or infinite), so nothing can be compared with "
                "them; look at its weights, or give other texts with --calibration-data"
            )
        self._decisions = [{name: self._clear_decisions(output) for name, output in one.items()} for one in outputs]

    def quantization_error(self, outputs: Sequence[Outputs]) -> QuantizationError:
        """Compare `outputs`, those of a quantized model for the same inputs in the same order, with the reference."""
        squares, changed, decided = 0.0, 0, 0
        for one, reference, decisions in zip(outputs, self._outputs, self._decisions, strict=True):
            for name, output in reference.items():
                squares += _sum_of_squares(one[name] - output)
                chosen, clear = decisions[name]
                decided += int(clear.sum())
                changed += int((clear & (self._decide(one[name])[0] != chosen)).sum())
        error = math.sqrt(squares / self._energy) if self._energy else math.sqrt(squares)
        return QuantizationError(error if math.isfinite(error) else math.inf, changed / decided if decided else None)

    def _clear_decisions(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """Return the decisions, and which of them are no near ties."""
        decisions, margins = self._decide(output)
        return decisions, margins > NEAR_TIE


def _decider(task: Task, problem_type: str | None) -> _Decide:
    if task.name == "feature-extraction" or problem_type == REGRESSION:
        return _no_decisions
    return _each_label if problem_type == MULTI_LABEL and task.name == "text-classification" else _one_of_many


def _no_decisions(output: Tensor) -> tuple[Tensor, Tensor]:
    return torch.zeros(0), torch.zeros(0)


def _each_label(logits: Tensor) -> tuple[Tensor, Tensor]:
    return logits > 0, (torch.sigmoid(logits) - 0.5).abs()


def _one_of_many(logits: Tensor) -> tuple[Tensor, Tensor]:
    if logits.shape[-1] < 2:
        return _no_decisions(logits)
    best, indices = torch.topk(torch.log_softmax(logits, dim=-1), 2, dim=-1)
    return indices[..., 0], best[..., 0].exp() - best[..., 1].exp()


def _sum_of_squares(values: Tensor) -> float:
    return float(values.double().square().sum())
