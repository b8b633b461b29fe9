"""Weights of an ONNX graph that another weight holds already: as its transpose, or as some of its columns.

Weights that are equal as they stand are found by `albert_converters.onnx.graph_view.duplicated_weights`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnx

from albert_converters.onnx.graph_view import Fingerprint, GraphView, array_of, fingerprint, size_of

#: from this opset on, Gemm works without its third input, and Slice and Split take a negative axis
_TRANSPOSING_OPSET = 11
#: from this opset on, Split takes its sizes as an input
_SPLITTING_OPSET = 13


class TransposedPair(NamedTuple):
    """Two weights, one of which is the transpose of the other."""

    kept: str
    #: the weight that can be removed; "" where operators need both as they are
    removable: str
    #: size of one of them
    bytes: int


@dataclass(frozen=True)
class PackedMatmuls:
    """Matmuls of one value by matrices which, side by side, are another matrix of the graph."""

    #: the value that all of them multiply
    source: str
    #: the name of the matrix that holds the others as columns
    packed: str
    #: in the order of the columns
    matmuls: tuple[onnx.NodeProto, ...]
    #: size of the matrices that are stored a second time
    bytes: int

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the matrices that can be removed."""
        return tuple(node.input[1] for node in self.matmuls)


def transposed_pairs(graph: GraphView, opset: int) -> list[TransposedPair]:
    """Return the pairs of weights that are each other's transpose; of several equal weights, the first counts."""
    matrices = _matrices(graph)
    first: dict[Fingerprint, str] = {}
    for name, tensor in matrices.items():
        first.setdefault(fingerprint(tensor), name)
    pairs = []
    for name in first.values():
        other = first.get(fingerprint(matrices[name], transposed=True))
        # the order of names makes each pair appear once; a symmetric matrix is no pair
        if other is not None and name < other:
            removable = [one for one in (name, other) if _is_removable(graph, one, opset)]
            # prefer the one that Gemm reads: it has a flag for it, while MatMul takes several more operators
            removable.sort(key=lambda one: any(node.op_type == "MatMul" for node, _ in graph.readers(one)))
            removed = removable[0] if removable else ""
            kept = other if removed == name else name
            pairs.append(TransposedPair(kept, removed, size_of(matrices[name])))
    return pairs


def _matrices(graph: GraphView) -> dict[str, onnx.TensorProto]:
    return {name: tensor for name, tensor in graph.weights() if len(tensor.dims) == 2}


def _is_removable(graph: GraphView, name: str, opset: int) -> bool:
    """Return whether all readers can read a matrix transposed: Gemm has a flag, and MatMul can be written as Gemm."""
    readers = graph.readers(name)
    operators = {node.op_type for node, index in readers if index == 1 and node.domain in ("", "ai.onnx")}
    able = {"Gemm", "MatMul"} if opset >= _TRANSPOSING_OPSET else {"Gemm"}
    own_nodes = {id(node) for node in graph.proto.node}
    return (
        bool(readers)
        and operators <= able
        and all(index == 1 and id(node) in own_nodes for node, index in readers)
        and name not in graph.outputs
    )


def packed_matmuls(graph: GraphView, opset: int) -> list[PackedMatmuls]:
    """Return the matmuls that could be one matmul by a packed matrix which the graph holds already.

    ONNX Runtime's optimizer leaves such graphs: it packs query, key and value for some passes of a shared layer only.
    """
    if opset < _SPLITTING_OPSET:
        return []
    matrices = _matrices(graph)
    by_source: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.proto.node:
        if node.op_type == "MatMul" and len(node.input) == 2 and node.input[1] in matrices:
            by_source.setdefault(node.input[0], []).append(node)
    found = []
    for source, nodes in by_source.items():
        only_readers = [node for node in nodes if len(graph.readers(node.input[1])) == 1]
        for name, tensor in matrices.items():
            order = _side_by_side(tensor, only_readers, matrices)
            if order:
                size = sum(size_of(matrices[node.input[1]]) for node in order)
                found.append(PackedMatmuls(source, name, tuple(order), size))
                break
    return found


def _side_by_side(
    wide: onnx.TensorProto, nodes: list[onnx.NodeProto], matrices: dict[str, onnx.TensorProto]
) -> list[onnx.NodeProto]:
    """Return the nodes whose matrices make up `wide`, in the order of its columns; none where columns are left."""
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
