"""An ONNX file as a doctor sees it: its graph and the bodies within, their constants, and the ways to these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, external_data_helper, numpy_helper

from albert_converters.onnx_parse import parse_onnx
from albert_converters.patient import InputSpec
from albert_runtime.errors import UnsupportedError, listed

#: smaller constants are shapes and numbers of the graph, not weights
WEIGHT_BYTES = 256
#: what gives back the values it is given, in another shape, order or type: behind it quantizers see no weight
WRAPPERS = ("Identity", "Transpose", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten")
#: what makes integers of floats as the graph runs
QUANTIZERS = ("DynamicQuantizeLinear", "QuantizeLinear")
_DEQUANTIZERS = ("DequantizeLinear",)
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
#: operators that multiply by a matrix -> the inputs that may be it, the likelier first
_PRODUCTS = {
    "MatMul": (1, 0), "Gemm": (1, 0), "MatMulInteger": (1, 0), "QLinearMatMul": (3, 0), "Conv": (1,),
    "FusedMatMul": (1, 0), "FusedGemm": (1, 0), "MatMulNBits": (1,), "DynamicQuantizeMatMul": (1,),
    "MatMulIntegerToFloat": (1,), "Attention": (1,), "QAttention": (1,),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A constant, and the operators between it and its user, nearest to the constant first."""

    tensor: TensorProto
    through: tuple[str, ...] = ()

    @property
    def is_hidden(self) -> bool:
        """Whether a quantizer that looks for a constant misses it. What DequantizeLinear unpacks is quantized."""
        return bool(self.through) and not set(self.through) & set(_DEQUANTIZERS)

    @property
    def is_float(self) -> bool:
        """Whether the file holds it in floating point."""
        return self.tensor.data_type in FLOATS


@dataclass(frozen=True)
class Product:
    """A matrix product; `matrix` is None where it multiplies activations by activations."""

    node: onnx.NodeProto
    matrix: Source | None


@dataclass
class Scope:
    """One graph with its constants; names that it does not hold belong to the graph around it."""

    graph: onnx.GraphProto
    outer: Scope | None = None
    constants: dict[str, TensorProto] = field(init=False)
    producers: dict[str, onnx.NodeProto] = field(init=False)

    def __post_init__(self) -> None:
        self.constants = {tensor.name: tensor for tensor in self.graph.initializer}
        self.producers = {name: node for node in self.graph.node for name in node.output if name}
        for node in self.graph.node:
            if node.op_type == "Constant" and node.output:
                tensor = _constant_of(node)
                if tensor is not None:
                    self.constants[node.output[0]] = tensor

    def constant(self, name: str) -> TensorProto | None:
        """The constant of that name, here or in a graph around."""
        if name in self.constants:
            return self.constants[name]
        if name in self.producers or self.outer is None:
            return None
        return self.outer.constant(name)

    def source(self, name: str) -> Source | None:
        """The constant that the value `name` is made of by WRAPPERS and quantizers alone."""
        through: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            tensor = scope.constant(name)
            if tensor is not None:
                return Source(tensor, tuple(reversed(through)))
            node = scope.producers.get(name)
            if node is None:
                scope = scope.outer
                continue
            if node.op_type not in (*WRAPPERS, *QUANTIZERS, *_DEQUANTIZERS) or not node.input or len(through) > 16:
                return None
            through.append(node.op_type)
            name = node.input[0]
        return None

    def users(self, name: str) -> list[tuple[onnx.NodeProto, int]]:
        """Who reads `name`, in this graph and in bodies within, and as which input; bodies' outputs are at -1."""
        return self._users.get(name, [])

    @cached_property
    def _users(self) -> dict[str, list[tuple[onnx.NodeProto, int]]]:
        found: dict[str, list[tuple[onnx.NodeProto, int]]] = {}
        for node, inputs in _reads(self.graph):
            for index, name in inputs:
                if name:
                    found.setdefault(name, []).append((node, index))
        return found

    @property
    def outputs(self) -> set[str]:
        """Names of what the graph gives."""
        return {value.name for value in self.graph.output}


def _constant_of(node: onnx.NodeProto) -> TensorProto | None:
    """What a Constant node holds, if it is numbers."""
    for attribute in node.attribute:
        if attribute.name == "value":
            return attribute.t
        if attribute.name == "value_float":
            return numpy_helper.from_array(np.array(attribute.f, np.float32))
        if attribute.name == "value_floats":
            return numpy_helper.from_array(np.array(attribute.floats, np.float32))
    return None


def _reads(graph: onnx.GraphProto) -> Iterator[tuple[onnx.NodeProto, list[tuple[int, str]]]]:
    for node in graph.node:
        yield node, list(enumerate(node.input))
        for body in bodies(node):
            yield from _reads(body)
            yield node, [(-1, value.name) for value in body.output]


def bodies(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """The graphs within a node: of Loop, If and Scan."""
    graphs = [attribute.g for attribute in node.attribute if attribute.type == onnx.AttributeProto.GRAPH]
    return graphs + [graph for attribute in node.attribute for graph in attribute.graphs]


def scopes(graph: onnx.GraphProto, outer: Scope | None = None) -> list[Scope]:
    """The scope of `graph`, and of the bodies within, outermost first."""
    scope = Scope(graph, outer)
    return [scope, *(inner for node in graph.node for body in bodies(node) for inner in scopes(body, scope))]


@dataclass
class OnnxFile:
    """A model that was read, with all its weights."""

    path: Path
    model: onnx.ModelProto
    #: of the file and of those that hold its external data
    bytes: int
    #: names of the files beside it that hold weights
    external: tuple[str, ...] = ()

    @cached_property
    def scopes(self) -> list[Scope]:
        """The graph and its bodies, outermost first."""
        return scopes(self.model.graph)

    @property
    def nodes(self) -> Iterator[onnx.NodeProto]:
        """The operators of all graphs."""
        return (node for scope in self.scopes for node in scope.graph.node)

    @property
    def opset(self) -> int:
        """Version of the ai.onnx operators."""
        return max((entry.version for entry in self.model.opset_import if entry.domain in ("", "ai.onnx")), default=1)

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """What a caller must give: initializers that are listed as inputs too are not of them."""
        held = {tensor.name for tensor in self.model.graph.initializer}
        return tuple(_input_spec(value) for value in self.model.graph.input if value.name not in held)

    @property
    def vocabulary(self) -> int:
        """Rows of the largest table that is looked up in; 1 where there is none."""
        tables = [scope.source(node.input[0]) for scope in self.scopes for node in scope.graph.node
                  if node.op_type == "Gather" and node.input]  # fmt: skip
        return max((one.tensor.dims[0] for one in tables if one is not None and len(one.tensor.dims) > 1), default=1)

    @property
    def products(self) -> list[Product]:
        """The matrix products of all graphs."""
        found = []
        for scope in self.scopes:
            for node in scope.graph.node:
                places = _PRODUCTS.get(node.op_type, ())
                sources = (scope.source(node.input[place]) for place in places if place < len(node.input))
                if places:
                    found.append(Product(node, next((source for source in sources if source is not None), None)))
        return found

    @property
    def is_half(self) -> bool:
        """Whether most of its weights are float16."""
        sizes: Counter[int] = Counter()
        for scope in self.scopes:
            for tensor in scope.constants.values():
                sizes[tensor.data_type] += size_of(tensor)
        return sizes[TensorProto.FLOAT16] > sizes[TensorProto.FLOAT]


def read_onnx(path: Path) -> OnnxFile:
    """The model in the file at `path`, with the weights that stand in files beside it.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not an ONNX graph, it is damaged, or files with its weights are missing.
    """
    model = parse_onnx(path)
    if not _is_text(model):
        raise UnsupportedError(f"{path} is damaged: its names are no text; fetch or export it again")
    if not model.graph.node:
        raise UnsupportedError(f"{path} is not an ONNX graph: it holds no operators; fetch or export it again")
    if not all(node.output for scope in scopes(model.graph) for node in scope.graph.node):
        raise UnsupportedError(f"{path} is damaged: an operator gives nothing; fetch or export it again")
    names = _external_names(model)
    absent = [name for name in names if not (path.parent / name).is_file()]
    if absent:
        headline = f"{path} keeps weights in files that are not beside it; copy them into {path.parent}:"
        raise UnsupportedError(listed(headline, absent))
    try:
        if names:
            external_data_helper.load_external_data_for_model(model, str(path.parent))
        for scope in scopes(model.graph):
            for tensor in scope.constants.values():
                array_of(tensor)
    except Exception as error:  # whatever onnx makes of sizes and types that do not fit each other
        raise UnsupportedError(f"{path} is damaged or cut short ({error}); fetch or export it again") from error
    size = path.stat().st_size + sum((path.parent / name).stat().st_size for name in names)
    return OnnxFile(path, model, size, tuple(names))


def _is_text(message: Any) -> bool:
    """Whether all names within a protobuf message are text: those that are not UTF-8 come as bytes."""
    for kind, value in message.ListFields():
        if kind.type not in (kind.TYPE_STRING, kind.TYPE_MESSAGE):
            continue
        single = isinstance(value, str | bytes) or hasattr(value, "ListFields")
        values = [value] if single else value
        if kind.type == kind.TYPE_STRING and not all(isinstance(one, str) for one in values):
            return False
        if kind.type == kind.TYPE_MESSAGE and not all(map(_is_text, values)):
            return False
    return True


def _external_names(model: onnx.ModelProto) -> list[str]:
    tensors = (tensor for scope in scopes(model.graph) for tensor in scope.constants.values())
    entries = (entry for tensor in tensors if tensor.data_location == TensorProto.EXTERNAL
               for entry in tensor.external_data if entry.key == "location")  # fmt: skip
    return list(dict.fromkeys(entry.value for entry in entries))


def array_of(tensor: TensorProto) -> NDArray[Any]:
    """The values of a constant."""
    return np.asarray(numpy_helper.to_array(tensor))


def size_of(tensor: TensorProto) -> int:
    """Bytes that the values of a constant take."""
    return len(tensor.raw_data) or int(array_of(tensor).nbytes)


def sum_of_sizes(tensors: Sequence[TensorProto]) -> int:
    """Bytes that constants take, each counted once."""
    return sum(size_of(tensor) for tensor in {id(tensor): tensor for tensor in tensors}.values())


def _input_spec(value: onnx.ValueInfoProto) -> InputSpec:
    kind = value.type.tensor_type
    axes = tuple(axis.dim_value or None for axis in kind.shape.dim)
    return InputSpec(value.name, axes, kind.elem_type in (TensorProto.INT64, TensorProto.INT32))
