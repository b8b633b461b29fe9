"""Lowerings: how each PyTorch operator that a model may use is written in ai.onnx operators.

A lowering takes the builder and the traced node, emits ONNX nodes, and binds the traced node to their result. Sources:
the ONNX operator specification (https://onnx.ai/onnx/operators/) and PyTorch's documentation of each operator.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import fx

from albert_converters.onnx.export.graph_builder import GraphBuilder, onnx_dtype, static_sizes

aten = torch.ops.aten

#: a smaller epsilon would be 0 for an engine that computes LayerNorm in float16
MIN_FLOAT16_EPSILON = 1e-7

Lowering = Callable[[GraphBuilder, fx.Node], None]
LOWERINGS: dict[Any, Lowering] = {}


def lowers(*targets: Any) -> Callable[[Lowering], Lowering]:
    """Register a function as the lowering of `targets`."""

    def register(function: Lowering) -> Lowering:
        LOWERINGS.update(dict.fromkeys(targets, function))
        return function

    return register


def _args(node: fx.Node) -> Any:
    """The positional arguments, untyped, since fx types each as anything that a graph may hold."""
    return node.args


def _dtype(node: fx.Node) -> torch.dtype:
    dtype: torch.dtype = node.meta["val"].dtype
    return dtype


def _numpy_dtype(node: fx.Node) -> np.dtype[Any]:
    return torch.empty(0, dtype=_dtype(node)).numpy().dtype


def _rank(node: fx.Node) -> int:
    return len(node.meta["val"].shape)


def _axis(node: fx.Node, axis: int) -> int:
    return axis % _rank(node)


def _ints(builder: GraphBuilder, *values: int) -> str:
    return builder.constant(list(values), np.int64)


def _operand(builder: GraphBuilder, like: fx.Node, value: Any) -> str:
    """Return a tensor operand, or a number as a scalar constant of the result's type."""
    return builder.value(value) if isinstance(value, fx.Node) else builder.constant(value, _numpy_dtype(like))


# --- shapes and sizes -------------------------------------------------------------------------------------------


@lowers(aten.sym_size.int, operator.mul, aten._assert_tensor_metadata.default)
def _skip(builder: GraphBuilder, node: fx.Node) -> None:
    """Emit nothing: a size is added to the graph only if a Reshape needs it, and torch's assertions are not needed."""


def _size(builder: GraphBuilder, size: Any) -> str:
    """Return a size as an int64 tensor `[1]`; it is a number, or the size of a traced tensor's axis."""
    if not isinstance(size, fx.Node):
        return _ints(builder, size)
    tensor, axis = _args(size)
    shape = builder.emit("Shape", [builder.value(tensor)])
    return builder.emit("Gather", [shape, _ints(builder, axis)], axis=0, hint="size")


@lowers(aten.view.default, aten.reshape.default)
def _reshape(builder: GraphBuilder, node: fx.Node) -> None:
    """Reshape to constant sizes where ONNX can express them.

    A size of 0 keeps the size of the same axis, and a size of -1 is inferred from all others.
    """
    source, sizes = _args(node)
    before, after = source.meta["val"].shape, node.meta["val"].shape
    target: list[Any] = []
    for index, size in enumerate(sizes):
        symbolic = isinstance(size, fx.Node)
        kept = symbolic and index < len(before) and str(before[index]) == str(after[index])
        target.append(0 if kept else size)
    if -1 not in target:
        unknown = [index for index, size in enumerate(target) if isinstance(size, fx.Node)]
        if unknown:  # a product of sizes can't be read from one axis, so it is the one to infer
            target[next((i for i in unknown if sizes[i].target is operator.mul), unknown[0])] = -1
    if any(isinstance(size, fx.Node) for size in target):
        shape = builder.emit("Concat", [_size(builder, size) for size in target], axis=0, hint="shape")
    else:
        shape = _ints(builder, *target)
    builder.alias(node, builder.emit("Reshape", [builder.value(source), shape], hint=node.name))


@lowers(aten.flatten.using_ints)
def _flatten(builder: GraphBuilder, node: fx.Node) -> None:
    """Flatten the leading axes; the sizes of the other axes are copied from the shape of the source, if dynamic."""
    source, first, last = _args(node)
    if first != 0:
        raise NotImplementedError("flatten is written for leading axes only")
    value = builder.value(source)
    sizes = static_sizes(node.meta["val"].shape)
    if sizes is None:
        rest = builder.emit(
            "Slice", [builder.emit("Shape", [value]), _ints(builder, last + 1), _ints(builder, _rank(source))]
        )
        shape = builder.emit("Concat", [_ints(builder, -1), rest], axis=0, hint="shape")
    else:
        shape = _ints(builder, *sizes)
    builder.alias(node, builder.emit("Reshape", [value, shape], hint=node.name))


@lowers(aten.transpose.int)
def _transpose(builder: GraphBuilder, node: fx.Node) -> None:
    source, first, second = _args(node)
    order = list(range(_rank(source)))
    first, second = _axis(source, first), _axis(source, second)
    order[first], order[second] = order[second], order[first]
    builder.alias(node, builder.emit("Transpose", [builder.value(source)], perm=order, hint=node.name))


@lowers(aten.unsqueeze.default)
def _unsqueeze(builder: GraphBuilder, node: fx.Node) -> None:
    source, axis = _args(node)
    axes = _ints(builder, axis % (_rank(source) + 1))
    builder.alias(node, builder.emit("Unsqueeze", [builder.value(source), axes], hint=node.name))


@lowers(aten.squeeze.dim)
def _squeeze(builder: GraphBuilder, node: fx.Node) -> None:
    source, axis = _args(node)
    axes = _ints(builder, _axis(source, axis))
    builder.alias(node, builder.emit("Squeeze", [builder.value(source), axes], hint=node.name))


@lowers(aten.select.int)
def _select(builder: GraphBuilder, node: fx.Node) -> None:
    source, axis, index = _args(node)
    position = builder.constant(index, np.int64)
    builder.alias(node, builder.emit("Gather", [builder.value(source), position], axis=axis, hint=node.name))


@lowers(aten.index_select.default)
def _index_select(builder: GraphBuilder, node: fx.Node) -> None:
    source, axis, index = _args(node)
    inputs = [builder.value(source), builder.value(index)]
    builder.alias(node, builder.emit("Gather", inputs, axis=_axis(source, axis), hint=node.name))


@lowers(aten.split.Tensor, aten.split_with_sizes.default)
def _split(builder: GraphBuilder, node: fx.Node) -> None:
    source, axis = _args(node)[0], (*_args(node), 0)[2]
    axis = _axis(source, axis)
    parts = [int(part.shape[axis]) for part in node.meta["val"]]
    inputs = [builder.value(source), _ints(builder, *parts)]
    values = builder.emit("Split", inputs, outputs=len(parts), axis=axis, hint=node.name)
    for user in node.users:  # each is an operator.getitem
        builder.alias(user, values[_args(user)[1]])


@lowers(operator.getitem)
def _getitem(builder: GraphBuilder, node: fx.Node) -> None:
    builder.value(node)  # the lowering of its source has bound it


@lowers(aten.arange.default)
def _arange(builder: GraphBuilder, node: fx.Node) -> None:
    (end,) = _args(node)
    limit = builder.emit("Squeeze", [_size(builder, end), _ints(builder, 0)])
    zero, one = builder.constant(0, np.int64), builder.constant(1, np.int64)
    builder.alias(node, builder.emit("Range", [zero, limit, one], hint=node.name))


# --- arithmetic -------------------------------------------------------------------------------------------------


def _binary(onnx_operator: str) -> Lowering:
    def lower(builder: GraphBuilder, node: fx.Node) -> None:
        left, right = (_operand(builder, node, argument) for argument in _args(node)[:2])
        builder.alias(node, builder.emit(onnx_operator, [left, right], hint=node.name))

    return lower


def _unary(onnx_operator: str) -> Lowering:
    def lower(builder: GraphBuilder, node: fx.Node) -> None:
        builder.alias(node, builder.emit(onnx_operator, [builder.value(_args(node)[0])], hint=node.name))

    return lower


lowers(aten.add.Tensor)(_binary("Add"))
lowers(aten.sub.Tensor)(_binary("Sub"))
lowers(aten.mul.Tensor)(_binary("Mul"))
lowers(aten.div.Tensor)(_binary("Div"))
lowers(aten.matmul.default)(_binary("MatMul"))
lowers(aten.tanh.default)(_unary("Tanh"))
lowers(aten.relu.default)(_unary("Relu"))


@lowers(aten.rsub.Scalar)
def _rsub(builder: GraphBuilder, node: fx.Node) -> None:
    source, number = _args(node)
    inputs = [_operand(builder, node, number), builder.value(source)]
    builder.alias(node, builder.emit("Sub", inputs, hint=node.name))


@lowers(aten.to.dtype, aten.to.dtype_layout, aten._to_copy.default)
def _cast(builder: GraphBuilder, node: fx.Node) -> None:
    source = _args(node)[0]
    if _dtype(source) == _dtype(node):
        builder.alias(node, builder.value(source))
    else:
        value = builder.emit("Cast", [builder.value(source)], to=onnx_dtype(_dtype(node)), hint=node.name)
        builder.alias(node, value)


@lowers(aten.dropout.default, aten.contiguous.default)
def _identity(builder: GraphBuilder, node: fx.Node) -> None:
    builder.alias(node, builder.value(_args(node)[0]))


# --- layers -----------------------------------------------------------------------------------------------------


@lowers(aten.embedding.default)
def _embedding(builder: GraphBuilder, node: fx.Node) -> None:
    table, ids = _args(node)[:2]
    builder.alias(node, builder.emit("Gather", [builder.value(table), builder.value(ids)], axis=0, hint=node.name))


@lowers(aten.linear.default)
def _linear(builder: GraphBuilder, node: fx.Node) -> None:
    """Emit a MatMul with the transposed constant, or a Gemm if the matrix is an embedding table too."""
    source, weight = _args(node)[:2]
    bias = _args(node)[2] if len(_args(node)) > 2 else None
    matrix = builder.transposed_weight(weight)
    if matrix is None:
        _tied_linear(builder, node, source, weight, bias)
        return
    value = builder.emit("MatMul", [builder.value(source), matrix], hint=node.name)
    if bias is not None:
        value = builder.emit("Add", [value, builder.value(bias)], hint=node.name)
    builder.alias(node, value)


def _tied_linear(builder: GraphBuilder, node: fx.Node, source: fx.Node, weight: fx.Node, bias: Any) -> None:
    """Emit a Gemm that reads the matrix as it is, so that it is stored once; Gemm needs an input with two axes."""
    rows, columns = (int(size) for size in weight.meta["val"].shape)
    value = builder.value(source)
    flat = builder.emit("Reshape", [value, _ints(builder, -1, columns)])
    inputs = [flat, builder.value(weight)] + ([] if bias is None else [builder.value(bias)])
    result = builder.emit("Gemm", inputs, transB=1)
    sizes = static_sizes(node.meta["val"].shape)
    if sizes is None:
        leading = builder.emit(
            "Slice", [builder.emit("Shape", [value]), _ints(builder, 0), _ints(builder, _rank(source) - 1)]
        )
        shape = builder.emit("Concat", [leading, _ints(builder, rows)], axis=0, hint="shape")
    else:
        shape = _ints(builder, *sizes)
    builder.alias(node, builder.emit("Reshape", [result, shape], hint=node.name))


@lowers(aten.softmax.int)
def _softmax(builder: GraphBuilder, node: fx.Node) -> None:
    source, axis = _args(node)[:2]
    builder.alias(node, builder.emit("Softmax", [builder.value(source)], axis=axis, hint=node.name))


@lowers(aten.gelu.default)
def _gelu(builder: GraphBuilder, node: fx.Node) -> None:
    """Emit Gelu from opset 20 on, and before that its formula in elementary operators.

    ONNX Runtime fuses them to its own Gelu when it loads the file.
    """
    value = builder.value(_args(node)[0])
    approximate = node.kwargs.get("approximate", "none")
    if builder.opset >= 20:
        builder.alias(node, builder.emit("Gelu", [value], approximate=approximate, hint=node.name))
        return
    dtype = _numpy_dtype(node)

    def number(x: float) -> str:
        return builder.constant(x, dtype)

    if approximate == "tanh":
        cube = builder.emit("Pow", [value, number(3.0)])
        inner = builder.emit("Add", [value, builder.emit("Mul", [cube, number(0.044715)])])
        curve = builder.emit("Tanh", [builder.emit("Mul", [inner, number(math.sqrt(2.0 / math.pi))])])
    else:
        curve = builder.emit("Erf", [builder.emit("Div", [value, number(math.sqrt(2.0))])])
    half = builder.emit("Mul", [value, number(0.5)])
    factor = builder.emit("Add", [curve, number(1.0)])
    builder.alias(node, builder.emit("Mul", [half, factor], hint=node.name))


@lowers(aten.silu.default)
def _silu(builder: GraphBuilder, node: fx.Node) -> None:
    value = builder.value(_args(node)[0])
    builder.alias(node, builder.emit("Mul", [value, builder.emit("Sigmoid", [value])], hint=node.name))


@lowers(aten.layer_norm.default)
def _layer_norm(builder: GraphBuilder, node: fx.Node) -> None:
    """Emit LayerNorm over the last axis. Its statistics are computed in float32 even in a float16 graph."""
    source, _, scale, bias, epsilon = _args(node)[:5]
    half = _dtype(node) == torch.float16
    if half:
        epsilon = max(epsilon, MIN_FLOAT16_EPSILON)
    inputs = [builder.value(source), builder.value(scale), builder.value(bias)]
    if builder.opset >= 17:
        value = builder.emit("LayerNormalization", inputs, axis=-1, epsilon=epsilon, stash_type=1, hint=node.name)
    else:
        value = _layer_norm_in_parts(builder, inputs, epsilon, half)
    builder.alias(node, value)


def _layer_norm_in_parts(builder: GraphBuilder, inputs: list[str], epsilon: float, half: bool) -> str:
    if half:
        inputs = [builder.emit("Cast", [value], to=onnx_dtype(torch.float32)) for value in inputs]
    value, scale, bias = inputs
    centred = builder.emit("Sub", [value, builder.emit("ReduceMean", [value], axes=[-1])])
    square = builder.emit("Pow", [centred, builder.constant(2.0, np.float32)])
    variance = builder.emit("ReduceMean", [square], axes=[-1])
    deviation = builder.emit("Sqrt", [builder.emit("Add", [variance, builder.constant(epsilon, np.float32)])])
    normal = builder.emit("Mul", [builder.emit("Div", [centred, deviation]), scale])
    result = builder.emit("Add", [normal, bias])
    return builder.emit("Cast", [result], to=onnx_dtype(torch.float16)) if half else result
