"""NodeBuilder: adds operators to a graph, one call for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

#: the domain of the operators of onnxruntime-extensions
EXTENSIONS = "ai.onnx.contrib"


class NodeBuilder:
    """The nodes and the constants of a graph that grows. Values are known by their names.

    Args:
        prefix: what the names of new values begin with, so that they differ from those of another graph.
    """

    def __init__(self, prefix: str) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._prefix = prefix
        self._count = 0

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The only output of a new operator."""
        return self.ops(kind, *inputs, outputs=1, domain=domain, **attributes)[0]

    def ops(self, kind: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """The outputs of a new operator."""
        names = [self._name(kind) for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=names[0], domain=domain, **attributes))
        return names

    def extension(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """The outputs of a new operator of onnxruntime-extensions."""
        return self.ops(kind, *inputs, outputs=outputs, domain=EXTENSIONS, **attributes)

    def ints(self, value: int | Sequence[int] | NDArray[np.int64]) -> str:
        """A constant of int64; a scalar for an int."""
        return self._constant(np.asarray(value, np.int64))

    def doubles(self, value: float) -> str:
        """A scalar constant of float64."""
        return self._constant(np.asarray(value, np.float64))

    def floats(self, value: float | Sequence[float]) -> str:
        """A constant of float32; a scalar for a float."""
        return self._constant(np.asarray(value, np.float32))

    def bools(self, value: bool | Sequence[bool]) -> str:
        """A constant of bool; a scalar for a bool."""
        return self._constant(np.asarray(value, np.bool_))

    def strings(self, values: Sequence[str]) -> str:
        """A constant of strings, `[values]`."""
        name = self._name("strings")
        encoded = [value.encode() for value in values]
        self.constants.append(numpy_helper.from_array(np.array(encoded, dtype=object), name))
        return name

    def default(self, name: str, kind: int, values: Sequence[Any]) -> None:
        """Give the input `name` of the graph a value for callers that leave it out."""
        self.constants.append(helper.make_tensor(name, kind, [len(values)], list(values)))

    def give(self, value: str, name: str) -> None:
        """Call `value` by `name` in the graph's outputs."""
        self.nodes.append(helper.make_node("Identity", [value], [name], name=f"{self._prefix}{name}"))

    def size(self, value: str, axis: int) -> str:
        """The length of one axis of `value`, a scalar."""
        return self.op("Gather", self.op("Shape", value), self.ints(axis), axis=0)

    def column(self, value: str) -> str:
        """`value`, `[n]`, as `[n, 1]`."""
        return self.op("Unsqueeze", value, self.ints([1]))

    def vector(self, value: str) -> str:
        """A scalar as a vector of one number."""
        return self.op("Reshape", value, self.ints([1]))

    def scalar(self, value: str) -> str:
        """The number of a tensor that holds only one, as a scalar."""
        return self.op("Squeeze", value)

    def arange(self, count: str) -> str:
        """0, 1, ... below the scalar `count`."""
        return self.op("Range", self.ints(0), count, self.ints(1))

    def both(self, *conditions: str) -> str:
        """Whether all conditions hold."""
        first, *rest = conditions
        for condition in rest:
            first = self.op("And", first, condition)
        return first

    def _constant(self, array: NDArray[Any]) -> str:
        name = self._name("constant")
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{self._prefix}{kind}_{self._count}"
