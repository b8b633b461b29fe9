"""LinearHooks: runs of a reference model with a hook on each of its linear layers, in any pass.

The model's own code runs. During a run only the call of each group of shared layers is replaced, to count the passes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from albert_export.checkpoints.weight_names import DECODER, WORD_EMBEDDINGS
from albert_export.sensitivity.beam_scores import beam_scores
from albert_runtime.tasks import Task


class LinearCall(NamedTuple):
    """A linear layer in one pass."""

    #: Hugging Face's full name of the layer
    module: str
    #: from 1; None for a layer outside the shared layers
    pass_number: int | None


#: is called with the inputs `[..., inputs]` and the weights `[outputs, inputs]` of a linear layer, and returns the ones
#: to compute with instead
LinearHook = Callable[[LinearCall, Tensor, Tensor], tuple[Tensor, Tensor]]
Inputs = Mapping[str, NDArray[np.int64]]


class Run(NamedTuple):
    """The results of a run of the model."""

    #: by the names of the task's contract, or of `beam_scores`
    outputs: dict[str, Tensor]
    #: the hidden states before each pass, and after the last one
    states: tuple[Tensor, ...]


class LinearHooks:
    """Runs a reference model with a hook on its linear layers.

    Args:
        model: the model in evaluation mode; it is unchanged after each run.
        task: the task whose outputs it gives.
    """

    def __init__(self, model: Any, task: Task) -> None:
        self._model = model
        self._outputs = tuple(task.outputs)
        self._searches = task.head == "beam-search"
        self._groups = getattr(model, "albert", model).encoder.albert_layer_groups
        prefix = model.name_prefix
        self._names = {
            id(module.weight): prefix + path for path, module in model.named_modules() if isinstance(module, nn.Linear)
        }
        # the decoder of masked words is no nn.Linear, since its matrix is the table of word embeddings
        embeddings = model.named_weights()[WORD_EMBEDDINGS]
        self._names[id(embeddings)] = DECODER.removesuffix(".weight")

    def run(self, inputs: Inputs, hook: LinearHook, *, first_pass: int = 1, states: Sequence[Tensor] = ()) -> Run:
        """Run the model on the arrays of the task's contract.

        Args:
            inputs: int64 arrays.
            hook: called for every linear layer that is computed, in order.
            first_pass: earlier passes are not computed again. Embeddings and heads are computed in any case.
            states: the states of an earlier run on the same inputs; needed if `first_pass` is above 1.
        """
        current: list[int | None] = [None]

        def run_pass(number: int, forward: Callable[..., Any], hidden: Tensor, *rest: Any) -> Any:
            if number < first_pass:
                return states[number], ()
            current[0] = number
            result = forward(hidden, *rest)
            current[0] = None
            return result

        def call_hook(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
            return hook(LinearCall(self._names[id(weight)], current[0]), x, weight)

        tensors = {name: torch.from_numpy(array).long() for name, array in inputs.items()}
        with torch.inference_mode(), _counted_passes(self._groups, run_pass), _LinearFunctionMode(call_hook):
            result = self._model(**tensors, output_hidden_states=True, return_dict=True)
        outputs = {name: getattr(result, name) for name in self._outputs}
        if self._searches:
            outputs = beam_scores(outputs, tensors["input_ids"].shape[1])
        return Run(outputs, result.hidden_states)


@contextlib.contextmanager
def _counted_passes(groups: Sequence[Any], run_pass: Callable[..., Any]) -> Iterator[None]:
    """Call `run_pass` instead of each group's `forward`, with the number of the pass and that `forward` in front."""
    count = 0

    def counting(forward: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal count
            count += 1
            return run_pass(count, forward, *arguments)

        return call

    for group in groups:
        group.forward = counting(group.forward)
    try:
        yield
    finally:
        for group in groups:
            del group.forward  # this uncovers the method of the class


class _LinearFunctionMode(TorchFunctionMode):
    """Passes the inputs and weights of each `functional.linear` through a hook before it is computed."""

    def __init__(self, hook: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self._hook = hook

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is nn.functional.linear:
            x, weight, *bias = args
            args = (*self._hook(x, weight), *bias)
        return func(*args, **(kwargs or {}))
