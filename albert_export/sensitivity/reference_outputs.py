"""Expected: what the model says in float32, and how far other outputs are from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from albert_export.sensitivity.result import Harm
from albert_export.verification.agreement import NEAR_TIE
from albert_runtime.errors import UnsupportedError
from albert_runtime.postprocessing import MULTI_LABEL, REGRESSION
from albert_runtime.tasks import Task

Outputs = Mapping[str, Tensor]
#: logits -> what is chosen, and how clearly, as probability
_Decide = Callable[[Tensor], tuple[Tensor, Tensor]]


class Expected:
    """The outputs of the float32 model for each input.

    Args:
        task: whose outputs they are.
        problem_type: of the model's configuration.
        outputs: of each input, by the names of the task's contract.

    Raises:
        UnsupportedError: they are not finite.
    """

    def __init__(self, task: Task, problem_type: str | None, outputs: Sequence[Outputs]) -> None:
        self._outputs = outputs
        self._decide = _decider(task, problem_type)
        self._energy = sum(_squares(output) for one in outputs for output in one.values())
        if not math.isfinite(self._energy):
            raise UnsupportedError(
                "the model's own outputs in float32 are not finite (NaN or infinite), so nothing can be compared with "
                "them; look at its weights, or give other texts with --calibration-data"
            )
        self._chosen = [{name: self._clearly(output) for name, output in one.items()} for one in outputs]

    def harm(self, got: Sequence[Outputs]) -> Harm:
        """How far `got`, the outputs for the same inputs in the same order, are off."""
        squares, changed, decided = 0.0, 0, 0
        for one, expected, chosen in zip(got, self._outputs, self._chosen, strict=True):
            for name, output in expected.items():
                squares += _squares(one[name] - output)
                answers, clear = chosen[name]
                decided += int(clear.sum())
                changed += int((clear & (self._answers(one[name]) != answers)).sum())
        error = math.sqrt(squares / self._energy) if self._energy else math.sqrt(squares)
        return Harm(error if math.isfinite(error) else math.inf, changed / decided if decided else None)

    def _answers(self, output: Tensor) -> Tensor:
        return self._decide(output)[0]

    def _clearly(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """What is chosen, and where that is no near tie."""
        answers, margins = self._decide(output)
        return answers, margins > NEAR_TIE


def _decider(task: Task, problem_type: str | None) -> _Decide:
    if task.name == "feature-extraction" or problem_type == REGRESSION:
        return _nothing
    return _each_label if problem_type == MULTI_LABEL and task.name == "text-classification" else _one_of_many


def _nothing(output: Tensor) -> tuple[Tensor, Tensor]:
    return torch.zeros(0), torch.zeros(0)


def _each_label(logits: Tensor) -> tuple[Tensor, Tensor]:
    return logits > 0, (torch.sigmoid(logits) - 0.5).abs()


def _one_of_many(logits: Tensor) -> tuple[Tensor, Tensor]:
    if logits.shape[-1] < 2:
        return _nothing(logits)
    best, indices = torch.topk(torch.log_softmax(logits, dim=-1), 2, dim=-1)
    return indices[..., 0], best[..., 0].exp() - best[..., 1].exp()


def _squares(values: Tensor) -> float:
    return float(values.double().square().sum())
