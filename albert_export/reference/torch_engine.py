"""The PyTorch reference as an engine of the runtime, so that the same session code answers with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
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

    def run_all(self, batches: Sequence[Mapping[str, NDArray[Any]]]) -> Iterator[Arrays]:
        """The outputs of each of `batches`, which run beside each other, each on one core.

        The threads of a single run wait for each other after every matrix product, and compute while they wait: with
        albert-base, two threads take a half more processor time than one, and many times as much if another program
        has one of the cores. While the batches run, PyTorch's number of threads is 1 in the whole process.
        """
        threads = torch.get_num_threads()
        if threads < 2 or len(batches) < 2:
            yield from map(self.run, batches)
            return
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(threads) as pool:
                yield from pool.map(self.run, batches)
        finally:
            torch.set_num_threads(threads)
