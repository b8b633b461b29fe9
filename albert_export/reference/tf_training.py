"""TFTrainable: lets Keras' `fit`, `evaluate` and `predict` use a model that computes its own loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
from tensorflow import Tensor

from albert_export.reference.outputs import ModelOutput
from albert_export.reference.tf_layers import NamedLayers
from albert_runtime.errors import UsageError
from albert_runtime.tasks import TASKS


class TFTrainable(NamedLayers, keras.Model):
    """A model of one task, whose `call` takes labels and returns a ModelOutput.

    There are two ways to train it:

    - With the model's own loss: `compile(optimizer)`, and the labels are given among the inputs, as in
      `fit({"input_ids": ids, "attention_mask": mask, "labels": labels})`.
    - With another loss: `compile(optimizer, loss, metrics)`, and the targets are given beside the inputs, as in
      `fit({"input_ids": ids, "attention_mask": mask}, targets)`. Loss and metrics get the task's outputs. A task
      with one output gives the tensor itself, so `SparseCategoricalCrossentropy(from_logits=True)` works on `logits`.
      A task with several outputs gives a dict by name, and its targets must be such a dict too (`start_logits`,
      `end_logits`). The model's own loss is not used then.

    `evaluate` works in the same two ways; `predict` returns a dict of arrays by the names of the outputs.
    """

    #: the task of `albert_runtime.tasks` that the class serves
    task: ClassVar[str]
    #: the head of the model, see `Task.head`
    head: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.built = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the model. If the only positional argument is a mapping, as in `fit`, it holds keyword arguments."""
        if len(args) == 1 and isinstance(args[0], Mapping):
            return super().__call__(**{"return_dict": True, **args[0], **kwargs})
        return super().__call__(*args, **kwargs)

    def compile(self, *args: Any, jit_compile: bool | str = False, **kwargs: Any) -> None:
        """As in Keras, but by default without XLA, which would compile again for each length of text."""
        super().compile(*args, jit_compile=jit_compile, **kwargs)

    def task_outputs(self, output: ModelOutput) -> Any:
        """The task's outputs, as in `albert_runtime.tasks`: the tensor if there is one, otherwise a dict by name."""
        names = TASKS[self.task].with_head(self.head).outputs
        outputs = {name: output[name] for name in names if getattr(output, name) is not None}
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Tensor:
        """The compiled loss if there are targets beside the inputs, otherwise the model's own loss.

        Raises:
            UsageError: there are neither targets nor labels, or no targets for a compiled loss or metric.
        """
        self._refuse_missing(y, y_pred)
        if y is None:
            return y_pred.loss
        return super().compute_loss(x, y, self.task_outputs(y_pred), sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The compiled metrics, which compare the task's outputs with the targets beside the inputs.

        Raises:
            UsageError: as for `compute_loss`.
        """
        self._refuse_missing(y, y_pred)
        return super().compute_metrics(x, y, self.task_outputs(y_pred), sample_weight)

    def _refuse_missing(self, targets: Any, output: ModelOutput) -> None:
        if targets is not None:
            return
        own_loss = "compile(optimizer) and fit({'input_ids': ..., LABELS}) use the model's own loss"
        compiled = "compile(optimizer, loss, metrics) and fit({'input_ids': ...}, targets) use another one"
        advice = f"{own_loss}; {compiled}"
        if self.loss is not None or len(self.metrics) > 1:  # Keras always adds one metric, which tracks the loss
            raise UsageError(f"a loss or metrics were compiled, but there are no targets beside the inputs: {advice}")
        if getattr(output, "loss", None) is None:
            raise UsageError(f"{type(self).__name__} was given neither labels nor targets: {advice}")

    def predict_step(self, data: Any) -> dict[str, Any]:
        """The outputs that are not None, by name."""
        output = super().predict_step(data)
        return {name: value for name, value in vars(output).items() if value is not None}
