"""A view of one ONNX graph: its constants, who computes a value, who reads it, and which constant it stands for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

#: constants below this size are shapes and numbers of the graph, not weights
WEIGHT_BYTES = 256
#: operators that return the values of their first input in another shape, order or type; a quantizer does not see a
#: weight behind them
WRAPPERS = ("Identity", "Transpose", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten")
#: operators that quantize floats while the graph runs
QUANTIZERS = ("DynamicQuantizeLinear", "QuantizeLinear")
DEQUANTIZER = "DequantizeLinear"
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)

#: longer chains of wrappers do not occur; the limit ends the search in a damaged graph whose nodes form a cycle
_LONGEST_CHAIN = 16
#: attribute of a Constant node -> the protobuf field with its value, and the dtype that the value has
_CONSTANT_FIELDS = {
    "value_float": ("f", np.float32),
    "value_floats": ("floats", np.float32),
    "value_int": ("i", np.int64),
    "value_ints": ("ints", np.int64),
}

#: type, shape and a hash of the bytes of a constant
Fingerprint = tuple[int, tuple[int, ...], bytes]


class Weight(NamedTuple):
    """A constant of at least WEIGHT_BYTES, and its name in its graph."""

    name: str
    tensor: TensorProto


@dataclass(frozen=True)
class ConstantSource:
    """The constant that a value is made of."""

    name: str
    tensor: TensorProto
    #: the operators between the constant and the value, nearest to the constant first
    through: tuple[str, ...] = ()

    @property
    def is_weight(self) -> bool:
        """Whether the constant is large enough to be a weight."""
        return is_weight(self.tensor)

    @property
    def is_hidden(self) -> bool:
        """Whether a quantizer misses it; behind DequantizeLinear the constant is quantized already."""
        return bool(self.through) and DEQUANTIZER not in self.through

    @property
    def is_float(self) -> bool:
        """Whether the file stores it in floating point."""
        return self.tensor.data_type in FLOATS

    @property
    def is_quantized_at_run_time(self) -> bool:
        """Whether the graph quantizes it anew in every run."""
        return bool(set(self.through) & set(QUANTIZERS))


@dataclass
class GraphView:
    """One graph with its constants; a name that it does not define belongs to the graph around it.

    The view is of the graph as it was when the view was made, so make a new one after a change to the graph.
    """

    proto: onnx.GraphProto
    #: the graph that holds the Loop, If or Scan node whose body this is
    outer: GraphView | None = None
    #: name -> value of the initializers and of the Constant nodes
    constants: dict[str, TensorProto] = field(init=False)
    #: name of a value -> the node that computes it
    producers: dict[str, onnx.NodeProto] = field(init=False)

    def __post_init__(self) -> None:
        self.constants = {tensor.name: tensor for tensor in self.proto.initializer}
        self.producers = {name: node for node in self.proto.node for name in node.output if name}
        for node in self.proto.node:
            tensor = _constant_of(node) if node.op_type == "Constant" and node.output else None
            if tensor is not None:
                self.constants[node.output[0]] = tensor

    @property
    def outputs(self) -> set[str]:
        """The names of the graph's outputs."""
        return {value.name for value in self.proto.output}

    def weights(self) -> list[Weight]:
        """The weights that an operator or an output of the graph reads."""
        read = [name for name in self.constants if self.readers(name) or name in self.outputs]
        return [Weight(name, self.constants[name]) for name in read if is_weight(self.constants[name])]

    def unread_initializers(self) -> set[str]:
        """The names of the initializers that no operator reads and that are no output."""
        names = {tensor.name for tensor in self.proto.initializer}
        return {name for name in names if not self.readers(name) and name not in self.outputs}

    def constant(self, name: str) -> TensorProto | None:
        """The constant called `name`, in this graph or in one around it."""
        view = self._defining(name)
        return view.constants.get(name) if view else None

    def producer(self, name: str) -> onnx.NodeProto | None:
        """The node that computes the value called `name`, in this graph or in one around it."""
        view = self._defining(name)
        return view.producers.get(name) if view else None

    def constant_source(self, name: str) -> ConstantSource | None:
        """The constant that wrappers, quantizers and DequantizeLinear make the value `name` of; None without one."""
        through: list[str] = []
        view = self._defining(name)
        while view is not None and len(through) <= _LONGEST_CHAIN:
            if name in view.constants:
                return ConstantSource(name, view.constants[name], tuple(reversed(through)))
            node = view.producers.get(name)
            if node is None or node.op_type not in (*WRAPPERS, *QUANTIZERS, DEQUANTIZER) or not node.input:
                return None
            through.append(node.op_type)
            name = node.input[0]
            view = view._defining(name)
        return None

    def readers(self, name: str) -> list[tuple[onnx.NodeProto, int]]:
        """The nodes of this graph and of its bodies that read `name`, each with the index of the input that it is.

        The index is -1 where `name` is an output of a node's body.
        """
        return self._readers.get(name, [])

    @cached_property
    def _readers(self) -> dict[str, list[tuple[onnx.NodeProto, int]]]:
        found: dict[str, list[tuple[onnx.NodeProto, int]]] = {}
        for name, node, index in _reads(self.proto):
            found.setdefault(name, []).append((node, index))
        return found

    @cached_property
    def _inputs(self) -> set[str]:
        return {value.name for value in self.proto.input}

    def _defining(self, name: str) -> GraphView | None:
        """The innermost graph that defines `name`, of this one and those around it."""
        view: GraphView | None = self
        while view is not None:
            if name in view.constants or name in view.producers or name in view._inputs:
                return view
            view = view.outer
        return None


def subgraphs(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """Return the graphs within a node: the bodies of Loop and Scan, the branches of If."""
    single = [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]
    return single + [graph for attribute in node.attribute for graph in attribute.graphs]


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield `graph` and the graphs within its nodes, at any depth, outermost first."""
    yield graph
    for node in graph.node:
        for body in subgraphs(node):
            yield from graphs(body)


def graph_views(graph: onnx.GraphProto, outer: GraphView | None = None) -> list[GraphView]:
    """Return a view of `graph` and of each graph within its nodes, in the order of `graphs`."""
    view = GraphView(graph, outer)
    return [view, *(inner for node in graph.node for body in subgraphs(node) for inner in graph_views(body, view))]


def duplicated_weights(views: Sequence[GraphView]) -> list[list[Weight]]:
    """Return the groups of two or more weights that have the same type, shape and bytes."""
    groups: dict[Fingerprint, list[Weight]] = {}
    for view in views:
        for weight in view.weights():
            groups.setdefault(fingerprint(weight.tensor), []).append(weight)
    return [group for group in groups.values() if len(group) > 1]


# --- constants --------------------------------------------------------------------------------------------------------


def array_of(tensor: TensorProto) -> NDArray[Any]:
    """Return the values of a constant."""
    return np.asarray(numpy_helper.to_array(tensor))


def size_of(tensor: TensorProto) -> int:
    """Return the number of bytes that the values of a constant take."""
    return len(tensor.raw_data) or int(array_of(tensor).nbytes)


def sum_of_sizes(tensors: Sequence[TensorProto]) -> int:
    """Return the number of bytes that constants take; a constant that is listed twice counts once."""
    return sum(size_of(tensor) for tensor in {id(tensor): tensor for tensor in tensors}.values())


def is_weight(tensor: TensorProto) -> bool:
    """Return whether a constant is large enough to be a weight."""
    return size_of(tensor) >= WEIGHT_BYTES


def fingerprint(tensor: TensorProto, *, transposed: bool = False) -> Fingerprint:
    """Return a key that is equal for constants of equal type, shape and bytes, and different for all others.

    With `transposed` it is the key of the transposed matrix.
    """
    array = array_of(tensor)
    array = np.ascontiguousarray(array.T if transposed else array)
    return tensor.data_type, array.shape, hashlib.sha256(array.tobytes()).digest()


def _constant_of(node: onnx.NodeProto) -> TensorProto | None:
    """The value of a Constant node; None where it is text or sparse."""
    for attribute in node.attribute:
        if attribute.name == "value":
            return attribute.t
        if attribute.name in _CONSTANT_FIELDS:
            kind, dtype = _CONSTANT_FIELDS[attribute.name]
            return numpy_helper.from_array(np.array(getattr(attribute, kind), dtype))
    return None


def _reads(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.NodeProto, int]]:
    """Each reading of a value in `graph` and its bodies: the name, the node, and which of its inputs it is."""
    for node in graph.node:
        yield from ((name, node, index) for index, name in enumerate(node.input) if name)
        for body in subgraphs(node):
            yield from _reads(body)
            yield from ((value.name, node, -1) for value in body.output if value.name)
