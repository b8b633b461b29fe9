"""The PyTorch reference as an engine of the runtime, so that the same session code answers with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray

from albert_runtime.engines import Arrays
from albert_runtime.tasks import Task


class TorchEngine:
    """Runs a reference model in float32, in evaluation mode."""

    name = "pytorch"
    version = torch.__version__

    def __init__(self, model: torch.nn.Module, task: Task) -> None:
        self.input_names, self.output_names = tuple(task.inputs()), tuple(task.outputs)
        self._model = model.eval()

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """The model's outputs by name, float32; the inputs and outputs are those of `albert_runtime.tasks`."""
        tensors = {name: torch.from_numpy(inputs[name]).long() for name in self.input_names}
        with torch.inference_mode():
            outputs = self._model(**tensors, return_dict=True)
        return {name: getattr(outputs, name).numpy() for name in self.output_names}
