"""Lowerings of the operators that cut, fill up, repeat, join, sort and compare tensors, as a beam search does.

They are written like those of `lowerings.py`, which has what every ALBERT needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import fx

from albert_converters.onnx.export.graph_builder import GraphBuilder
from albert_converters.onnx.export.lowerings import Lowering

aten = torch.ops.aten

SELECTION_LOWERINGS: dict[Any, Lowering] = {}


def _lowers(target: Any) -> Callable[[Lowering], Lowering]:
    """Register a function as the lowering of `target`."""

    def register(function: Lowering) -> Lowering:
        SELECTION_LOWERINGS[target] = function
        return function

    return register


def _args(node: fx.Node) -> Any:
    """The positional arguments, untyped, since fx types each as anything that a graph may hold."""
    return node.args


def _ints(builder: GraphBuilder, *values: int) -> str:
    return builder.constant(list(values), np.int64)


def _rank(node: fx.Node) -> int:
    return len(node.meta["val"].shape)


def _size(builder: GraphBuilder, tensor: fx.Node, axis: int) -> str:
    """The size of an axis as an int64 tensor `[1]`."""
    shape = builder.emit("Shape", [builder.value(tensor)])
    return str(builder.emit("Gather", [shape, _ints(builder, axis)], axis=0, hint="size"))


@_lowers(aten.slice.Tensor)
def _slice(builder: GraphBuilder, node: fx.Node) -> None:
    source, axis, start, end = _args(node)
    inputs = [builder.value(source), *(_ints(builder, value) for value in (start, end, axis))]
    builder.alias(node, builder.emit("Slice", inputs, hint=node.name))


@_lowers(aten.pad.default)
def _pad(builder: GraphBuilder, node: fx.Node) -> None:
    """Emit a Pad with a constant; PyTorch names the sizes of the last axis only, ONNX those of all axes."""
    source, sizes, _, value = (*_args(node), "constant", 0.0)[:4]
    before, after = sizes
    others = [0] * (_rank(source) - 1)
    number = builder.constant(value, torch.empty(0, dtype=node.meta["val"].dtype).numpy().dtype)
    inputs = [builder.value(source), _ints(builder, *others, before, *others, after), number]
    builder.alias(node, builder.emit("Pad", inputs, hint=node.name))


@_lowers(aten.expand.default)
def _expand(builder: GraphBuilder, node: fx.Node) -> None:
    """Emit an Expand, in whose shape a 1 keeps the size of the source's axis."""
    source, sizes = _args(node)
    parts = [
        _size(builder, *_args(size)) if isinstance(size, fx.Node) else _ints(builder, 1 if size == -1 else size)
        for size in sizes
    ]
    shape = builder.emit("Concat", parts, axis=0, hint="shape")
    builder.alias(node, builder.emit("Expand", [builder.value(source), shape], hint=node.name))


@_lowers(aten.gather.default)
def _gather(builder: GraphBuilder, node: fx.Node) -> None:
    source, axis, index = _args(node)[:3]
    inputs = [builder.value(source), builder.value(index)]
    builder.alias(node, builder.emit("GatherElements", inputs, axis=axis % _rank(source), hint=node.name))


@_lowers(aten.cat.default)
def _concat(builder: GraphBuilder, node: fx.Node) -> None:
    parts, axis = (*_args(node), 0)[:2]
    value = builder.emit("Concat", [builder.value(part) for part in parts], axis=axis % _rank(node), hint=node.name)
    builder.alias(node, value)


@_lowers(aten.eq.Tensor)
def _equal(builder: GraphBuilder, node: fx.Node) -> None:
    builder.alias(node, builder.emit("Equal", [builder.value(one) for one in _args(node)], hint=node.name))


@_lowers(aten.log_softmax.int)
def _log_softmax(builder: GraphBuilder, node: fx.Node) -> None:
    source, axis = _args(node)[:2]
    builder.alias(node, builder.emit("LogSoftmax", [builder.value(source)], axis=axis, hint=node.name))


@_lowers(aten.sort.stable)
def _sort(builder: GraphBuilder, node: fx.Node) -> None:
    """Emit a TopK of all values. Like a stable sort, it puts the first of equal values first."""
    source = _args(node)[0]
    kwargs: Any = node.kwargs
    axis = kwargs.get("dim", -1) % _rank(source)
    inputs = [builder.value(source), _size(builder, source, axis)]
    largest = int(kwargs.get("descending", False))
    values = builder.emit("TopK", inputs, outputs=2, axis=axis, largest=largest, sorted=1, hint=node.name)
    for user in node.users:  # each is an operator.getitem
        builder.alias(user, values[_args(user)[1]])
