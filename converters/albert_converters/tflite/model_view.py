"""The view of a TFLite model that `inspect` and `doctor` share: its operators, constants, matmuls and inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from albert_converters.doctor.diagnosis import InputSpec, role_of_name
from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.model import (
    WEIGHT_BYTES,
    axes,
    content,
    fingerprint,
    integers,
    operator_name,
    tensors,
    text,
    type_name,
)

#: operators that look up rows of a table, which is their first input
LOOKUPS = ("GATHER", "EMBEDDING_LOOKUP")
#: operators that multiply by a matrix, which is their second input
_MATMULS = ("FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D")
#: operators that return the values of their first input in another shape, order or type
_WRAPPERS = ("TRANSPOSE", "RESHAPE", "CAST", "SQUEEZE", "EXPAND_DIMS")
_DEQUANTIZER = "DEQUANTIZE"
_ID_TYPES = ("int32", "int64")
_INTEGER_WEIGHTS = ("int8", "uint8", "int4", "int2")
_DTYPES = {"float32": np.float32, "float16": np.float16, "int8": np.int8, "uint8": np.uint8}
#: longer chains of wrappers do not occur; the limit ends the search in a damaged graph whose operators form a cycle
_LONGEST_CHAIN = 6


@dataclass(frozen=True)
class Operator:
    """One operator of a subgraph; an input of -1 is an optional one that is left out."""

    name: str
    graph: schema.SubGraphT
    inputs: list[int]
    outputs: list[int]
    #: the index of its code among those of the model
    code: int

    def tensors(self) -> list[schema.TensorT]:
        """The tensors that it reads."""
        return [self.graph.tensors[index] for index in self.inputs if index >= 0]


@dataclass(frozen=True)
class Matmul:
    """One matrix multiplication by a constant matrix."""

    operator: Operator
    constant: schema.TensorT
    #: the operators between the constant and the matmul, nearest to the constant first
    through: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its output."""
        return text(self.operator.graph.tensors[self.operator.outputs[0]].name)

    @property
    def is_hidden(self) -> bool:
        """Whether a quantizer misses the constant; behind DEQUANTIZE it is quantized already."""
        return bool(self.through) and _DEQUANTIZER not in self.through

    @property
    def arithmetic(self) -> str:
        """How it computes, as `inspect_tflite` calls it."""
        weight_type = type_name(self.constant)
        if {_DEQUANTIZER, "CAST"} & set(self.through):
            return f"float, {weight_type} weights"
        if weight_type not in _INTEGER_WEIGHTS:
            return "float"
        return "dynamic" if type_name(self.operator.tensors()[0]) == "float32" else "static"


@dataclass
class TFLiteModelView:
    """A model that was read from a file."""

    path: Path
    model: schema.ModelT

    @property
    def file_bytes(self) -> int:
        """The size of the file."""
        return self.path.stat().st_size

    @cached_property
    def operators(self) -> list[Operator]:
        """The operators of all subgraphs."""
        return [
            Operator(
                operator_name(self.model, one), graph, integers(one.inputs), integers(one.outputs), one.opcodeIndex
            )
            for graph in self.model.subgraphs
            for one in graph.operators or []
        ]

    @cached_property
    def matmuls(self) -> list[Matmul]:
        """The matrix multiplications by constant matrices, in all subgraphs."""
        producers = {(id(one.graph), index): one for one in self.operators for index in one.outputs}
        found = []
        for operator in self.operators:
            index = operator.inputs[1] if operator.name in _MATMULS and len(operator.inputs) > 1 else -1
            through: list[str] = []
            while index >= 0 and len(through) < _LONGEST_CHAIN:
                tensor = operator.graph.tensors[index]
                if self.is_constant(tensor):
                    found.append(Matmul(operator, tensor, tuple(reversed(through))))
                    break
                producer = producers.get((id(operator.graph), index))
                if producer is None or producer.name not in (*_WRAPPERS, _DEQUANTIZER) or not producer.inputs:
                    break
                through.append(producer.name)
                index = producer.inputs[0]
        return found

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        """What a caller must give, as the checks see it."""
        return tuple(
            _input_spec(name, axes(tensor), is_integer=type_name(tensor) in _ID_TYPES)
            for name, tensor in self.signature_tensors("inputs")
        )

    @property
    def vocabulary_size(self) -> int:
        """The number of rows of the largest embedding table; 1 where there is none."""
        tables = [one.tensors()[0] for one in self.operators if one.name in LOOKUPS and one.tensors()]
        return max((axes(table)[0] for table in tables if self.is_weight(table) and len(axes(table)) > 1), default=1)

    @cached_property
    def constants(self) -> list[schema.TensorT]:
        """The constants of any size, largest first; where tensors share a buffer, the first of them."""
        first: dict[int, schema.TensorT] = {}
        for tensor in tensors(self.model):
            if self.is_constant(tensor):
                first.setdefault(tensor.buffer, tensor)
        return sorted(first.values(), key=lambda tensor: -self.size(tensor))

    @property
    def duplicated_weights(self) -> list[list[schema.TensorT]]:
        """Groups of two or more weights whose buffers hold the same bytes."""
        groups: dict[bytes, list[schema.TensorT]] = {}
        for tensor in self.constants:
            if self.is_weight(tensor):
                groups.setdefault(fingerprint(self.model.buffers[tensor.buffer]), []).append(tensor)
        return [group for group in groups.values() if len(group) > 1]

    def signature_tensors(self, side: str) -> Sequence[tuple[str, schema.TensorT]]:
        """The "inputs" or "outputs" by their names in the signatures, or in the graph where there is no signature."""
        signatures = self.model.signatureDefs or []
        if not signatures:
            graph = self.model.subgraphs[0]
            found = [graph.tensors[index] for index in integers(getattr(graph, side))]
            return [(text(tensor.name), tensor) for tensor in found]
        named = []
        for signature in signatures:
            prefix = f"{text(signature.signatureKey)}." if len(signatures) > 1 else ""
            graph = self.model.subgraphs[signature.subgraphIndex]
            for entry in getattr(signature, side) or []:
                named.append((prefix + text(entry.name), graph.tensors[entry.tensorIndex]))
        return named

    def values(self, tensor: schema.TensorT) -> NDArray[Any] | None:
        """The values of a constant of a plain type, without its shape; None for other types and computed tensors."""
        raw, dtype = content(self.model.buffers[tensor.buffer]), _DTYPES.get(type_name(tensor))
        if dtype is None or not raw.size or raw.size % np.dtype(dtype).itemsize:
            return None
        return np.frombuffer(raw.tobytes(), dtype)

    def size(self, tensor: schema.TensorT) -> int:
        """The number of bytes that a constant takes; 0 for a computed tensor."""
        return int(content(self.model.buffers[tensor.buffer]).size)

    def is_constant(self, tensor: schema.TensorT) -> bool:
        """Whether the file holds the values of a tensor, and the graph can't change them."""
        return self.size(tensor) > 0 and not tensor.isVariable

    def is_weight(self, tensor: schema.TensorT) -> bool:
        """Whether a tensor is a constant that is large enough to be a weight."""
        return self.is_constant(tensor) and self.size(tensor) >= WEIGHT_BYTES


def _input_spec(name: str, sizes: Sequence[int], *, is_integer: bool) -> InputSpec:
    role = role_of_name(name) or ("ids" if is_integer else "other")
    return InputSpec(name, tuple(size if size >= 0 else None for size in sizes), is_integer, role)


def read_tflite(path: Path) -> TFLiteModelView:
    """Read the model in the file at `path`.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not a TFLite model, or damaged.
    """
    return TFLiteModelView(path, tflite_model.load(path))
