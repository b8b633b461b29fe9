"""Weights of an ONNX graph that hold the same numbers: as they are, transposed, or as columns of a wider one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnx

from albert_converters.onnx.model import WEIGHT_BYTES, Scope, array_of, size_of

#: from this opset on Gemm does without a third input, and Slice and Split take an axis below 0
_TIED_OPSET = 11
#: from this opset on Split takes its sizes as an input
_SPLIT_OPSET = 13

Key = tuple[int, tuple[int, ...], bytes]


class Transposed(NamedTuple):
    """Two weights of which one is the other transposed."""

    kept: str
    #: the one that can go; "" where both are read by operators that need them as they are
    dropped: str
    #: of one of them
    bytes: int


@dataclass(frozen=True)
class Packed:
    """Products of one value whose matrices are, side by side, another matrix of the graph."""

    source: str
    matrix: str
    #: in the order of the columns
    products: tuple[onnx.NodeProto, ...]
    #: of the matrices that stand twice
    bytes: int

    @property
    def parts(self) -> tuple[str, ...]:
        """The matrices that can go."""
        return tuple(node.input[1] for node in self.products)


def weights_of(scope: Scope) -> dict[str, onnx.TensorProto]:
    """The constants of a graph that are large enough to matter, and that something reads."""
    read = {name: tensor for name, tensor in scope.constants.items() if scope.users(name) or name in scope.outputs}
    return {name: tensor for name, tensor in read.items() if size_of(tensor) >= WEIGHT_BYTES}


def equal_weights(scopes: list[Scope]) -> list[list[str]]:
    """Groups of weights of equal type, shape and bytes."""
    groups: dict[Key, list[str]] = {}
    for scope in scopes:
        for name, tensor in weights_of(scope).items():
            groups.setdefault(_key(tensor), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def transposed_weights(scope: Scope, opset: int) -> list[Transposed]:
    """Pairs of which one weight is the other transposed; of several equal ones the first stands for all."""
    matrices = {name: tensor for name, tensor in weights_of(scope).items() if len(tensor.dims) == 2}
    first: dict[Key, str] = {}
    for name, tensor in matrices.items():
        first.setdefault(_key(tensor), name)
    pairs = []
    for name in first.values():
        other = first.get(_key(matrices[name], transposed=True))
        if other is not None and name < other:  # each pair once; a symmetric matrix is no pair
            able = [one for one in (name, other) if _can_go(scope, one, opset)]
            # Gemm has a flag for it, MatMul takes four operators more
            able.sort(key=lambda one: any(node.op_type == "MatMul" for node, _ in scope.users(one)))
            dropped = able[0] if able else ""
            kept = other if dropped == name else name
            pairs.append(Transposed(kept, dropped, size_of(matrices[name])))
    return pairs


def _can_go(scope: Scope, name: str, opset: int) -> bool:
    """Whether all that read a matrix can read it transposed: Gemm by its flag, MatMul written as Gemm."""
    users = scope.users(name)
    readers = {node.op_type for node, index in users if index == 1 and node.domain in ("", "ai.onnx")}
    able = {"Gemm", "MatMul"} if opset >= _TIED_OPSET else {"Gemm"}
    own = {id(node) for node in scope.graph.node}
    return (
        bool(users)
        and readers <= able
        and all(index == 1 and id(node) in own for node, index in users)
        and name not in scope.outputs
    )


def packed_weights(scope: Scope, opset: int) -> list[Packed]:
    """Products that could be one: as the optimizer of ONNX Runtime leaves them where it packed some and not others."""
    if opset < _SPLIT_OPSET:
        return []
    matrices = {name: tensor for name, tensor in weights_of(scope).items() if len(tensor.dims) == 2}
    products: dict[str, list[onnx.NodeProto]] = {}
    for node in scope.graph.node:
        if node.op_type == "MatMul" and len(node.input) == 2 and node.input[1] in matrices:
            products.setdefault(node.input[0], []).append(node)
    found = []
    for source, nodes in products.items():
        alone = [node for node in nodes if len(scope.users(node.input[1])) == 1]
        for name, tensor in matrices.items():
            order = _side_by_side(tensor, alone, matrices)
            if order:
                size = sum(size_of(matrices[node.input[1]]) for node in order)
                found.append(Packed(source, name, tuple(order), size))
                break
    return found


def _side_by_side(
    wide: onnx.TensorProto, nodes: list[onnx.NodeProto], matrices: dict[str, onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """Those of `nodes` whose matrices make up `wide`, in the order of its columns; none where something is left."""
    rows, columns = wide.dims
    parts = [node for node in nodes if matrices[node.input[1]].dims[0] == rows
             and matrices[node.input[1]].dims[1] < columns
             and matrices[node.input[1]].data_type == wide.data_type]  # fmt: skip
    if sum(matrices[node.input[1]].dims[1] for node in parts) < columns:
        return []
    array = array_of(wide)
    order: list[onnx.NodeProto] = []
    start = 0
    while start < columns:
        for node in parts:
            part = array_of(matrices[node.input[1]])
            if node not in order and np.array_equal(array[:, start : start + part.shape[1]], part):
                order.append(node)
                start += part.shape[1]
                break
        else:
            return []
    return order


def _key(tensor: onnx.TensorProto, *, transposed: bool = False) -> Key:
    """Equal for equal weights, and different for all others."""
    array = array_of(tensor)
    array = np.ascontiguousarray(array.T if transposed else array)
    return tensor.data_type, array.shape, hashlib.sha256(array.tobytes()).digest()
