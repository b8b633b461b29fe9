"""Makes .tflite files whose outputs are looked up by token id, for each task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from albert_converters.tflite.model import dumps
from albert_runtime.tasks import INPUT_NAMES, SEQUENCE, TASKS
from tests.tiny_tflite import TinyGraph, TinyModel

_WIDTHS = {"hidden_size": 4, "2": 2, "vocab_size": 200}


def lookup_graph(
    task: str,
    shape: Sequence[int],
    *,
    labels: int = 2,
    dtype: Any = np.int32,
    inputs: Sequence[str] = INPUT_NAMES,
    outputs: Sequence[str] | None = None,
    change: Callable[[schema.ModelT], None] | None = None,
) -> bytes:
    """A graph whose outputs are looked up in `table` at `input_ids * attention_mask + token_type_ids`, plus a tenth.

    Outputs without a sequence axis are sums over it. Padding has the id 0, whose value is 0.

    Args:
        task: the task whose outputs the graph has.
        shape: the shape of the inputs; -1 for an axis that takes any size.
        labels: the number of labels.
        dtype: the type of the inputs.
        inputs, outputs: the names of the tensors; None means the names in `tasks.TASKS`.
        change: called with the model before it is written.
    """
    tiny = TinyModel()
    graph = tiny.graph()
    # not in the order of INPUT_NAMES, so that binding by order fails
    types, mask, ids = (graph.input(f"in_{name}", shape, dtype) for name in reversed(inputs))
    seen, index = graph.tensor("seen", shape, dtype), graph.tensor("index", shape, dtype)
    graph.operator("MUL", [ids, mask], [seen], schema.MulOptionsT())
    graph.operator("ADD", [seen, types], [index], schema.AddOptionsT())
    widths = {**_WIDTHS, "num_labels": labels}
    axes = TASKS[task].outputs
    results = [_looked_up(graph, index, shape, name, axes[name], widths) for name in axes]
    graph.outputs(*reversed(results))
    tiny.sign(
        dict(zip(inputs, (ids, mask, types), strict=True)),
        dict(zip(outputs or axes, results, strict=True)),
    )
    if change:
        change(tiny.model)
    return dumps(tiny.model)


def table(name: str, width: int | None = None) -> NDArray[np.float32]:
    """The table for the output `name`: `[vocabulary]` or `[vocabulary, width]`."""
    vocabulary = _WIDTHS["vocab_size"]
    size = (vocabulary,) if width is None else (vocabulary, width)
    values = np.random.default_rng(len(name)).normal(size=size).astype(np.float32)
    values[0] = 0  # the value of padding, which must not change a sum
    return values


def _looked_up(
    graph: TinyGraph, index: int, shape: Sequence[int], name: str, axes: Sequence[str], widths: dict[str, int]
) -> int:
    width = widths.get(axes[-1])
    size = [*shape, width] if width else list(shape)
    found = graph.tensor("found", size)
    graph.operator("GATHER", [graph.constant("table", table(name, width)), index], [found], schema.GatherOptionsT())
    if SEQUENCE not in axes:
        axis = len(shape) - 1
        del size[axis]
        total = graph.tensor("total", size)
        options = schema.ReducerOptionsT()
        graph.operator("SUM", [found, graph.constant("axis", np.array([axis], np.int32))], [total], options)
        found = total
    result = graph.tensor("result", size)
    graph.operator("ADD", [found, graph.constant("tenth", np.array(0.1, np.float32))], [result], schema.AddOptionsT())
    return result
