"""Products: runs of a reference model whose every product with weights can be watched and changed, in any pass.

The model's own code runs; nothing in it is replaced but, during a run, the call of each group of shared layers.
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
from albert_runtime.tasks import Task


class Product(NamedTuple):
    """A dense layer in one pass; `pass_number` is None outside the shared layers."""

    #: Hugging Face's full name
    module: str
    pass_number: int | None


#: called with each product's inputs `[..., inputs]` and weights `[outputs, inputs]`; what it returns is multiplied
Visit = Callable[[Product, Tensor, Tensor], tuple[Tensor, Tensor]]
Inputs = Mapping[str, NDArray[np.int64]]


class Run(NamedTuple):
    """What a model gives."""

    #: by the names of the task's contract
    outputs: dict[str, Tensor]
    #: the hidden states before each pass, and after the last
    states: tuple[Tensor, ...]


class Products:
    """The products of a reference model.

    Args:
        model: in evaluation mode; it is the same after each run.
        task: whose outputs it gives.
    """

    def __init__(self, model: Any, task: Task) -> None:
        self._model = model
        self._outputs = tuple(task.outputs)
        self._groups = getattr(model, "albert", model).encoder.albert_layer_groups
        prefix = model.name_prefix
        self._names = {
            id(module.weight): prefix + path for path, module in model.named_modules() if isinstance(module, nn.Linear)
        }
        # the decoder is no layer: it multiplies by the word embeddings
        embeddings = model.named_weights()[WORD_EMBEDDINGS]
        self._names[id(embeddings)] = DECODER.removesuffix(".weight")

    def run(self, inputs: Inputs, visit: Visit, *, first_pass: int = 1, states: Sequence[Tensor] = ()) -> Run:
        """Runs the model on the arrays of the task's contract.

        Args:
            inputs: int64.
            visit: called for every product that is run, in order.
            first_pass: what comes before this pass is not run again; embeddings and heads are.
            states: of an earlier run, for a `first_pass` above 1.
        """
        current: list[int | None] = [None]

        def numbered(number: int, forward: Callable[..., Any], hidden: Tensor, *rest: Any) -> Any:
            if number < first_pass:
                return states[number], ()
            current[0] = number
            result = forward(hidden, *rest)
            current[0] = None
            return result

        def opened(x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
            return visit(Product(self._names[id(weight)], current[0]), x, weight)

        tensors = {name: torch.from_numpy(array).long() for name, array in inputs.items()}
        with torch.inference_mode(), _passes(self._groups, numbered), _LinearCalls(opened):
            found = self._model(**tensors, output_hidden_states=True, return_dict=True)
        return Run({name: getattr(found, name) for name in self._outputs}, found.hidden_states)


@contextlib.contextmanager
def _passes(groups: Sequence[Any], numbered: Callable[..., Any]) -> Iterator[None]:
    """Has `numbered` called instead of each group, with the number of the pass and what it is called instead of."""
    count = 0

    def counting(forward: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            nonlocal count
            count += 1
            return numbered(count, forward, *arguments)

        return call

    for group in groups:
        group.forward = counting(group.forward)
    try:
        yield
    finally:
        for group in groups:
            del group.forward  # the class's own is seen again


class _LinearCalls(TorchFunctionMode):
    """Has `opened` called with the inputs and weights of each `functional.linear`, and multiplies what it returns."""

    def __init__(self, opened: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self._opened = opened

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is nn.functional.linear:
            x, weight, *bias = args
            args = (*self._opened(x, weight), *bias)
        return func(*args, **(kwargs or {}))
