"""An engine without a model, for tests of the code that uses a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_runtime._version import __version__
from albert_runtime.engines import Arrays
from albert_runtime.tasks import find_task


class CannedEngine:
    """Returns the outputs that it was given.

        engine = CannedEngine("text-classification", {"logits": np.array([[0.1, 2.0]])})
        session = albert_runtime.load(bundle, engine=engine)

    Args:
        task: the name or an alias of the task whose outputs it returns.
        answer: the arrays by name that every run returns; or a function from the inputs of a run to such arrays, which
            must be safe to call from several threads if the session is used from several threads.
        head: the head whose outputs these are, see `Task.head`.

    The inputs of every run are kept in `runs`, in the order of the runs.
    """

    name = "canned"
    version = __version__

    def __init__(
        self,
        task: str,
        answer: Mapping[str, NDArray[Any]] | Callable[[Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]],
        *,
        head: str = "",
    ) -> None:
        graph = find_task(task).with_head(head)
        self.input_names, self.output_names = tuple(graph.inputs()), tuple(graph.outputs)
        self.runs: list[Arrays] = []
        self._answer = answer

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """The outputs for these inputs, as float32."""
        self.runs.append(dict(inputs))
        given = self._answer(inputs) if callable(self._answer) else self._answer
        return {name: np.asarray(given[name], dtype=np.float32) for name in self.output_names}
