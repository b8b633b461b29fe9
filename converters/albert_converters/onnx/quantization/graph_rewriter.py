"""An ONNX graph that is written anew from another: its nodes, and constants that take the place of weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from albert_converters.onnx.names import FreshNames

#: domain of ONNX Runtime's own operators
CONTRIB = "com.microsoft"


class GraphRewriter:
    """The nodes of the new graph in order, and its new constants. Names of the old graph are not given out again."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._nodes: list[onnx.NodeProto] = []
        self._weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self._constants: list[onnx.TensorProto] = []
        self._written: dict[tuple[str, ...], tuple[str, ...]] = {}
        values = (name for node in model.graph.node for name in node.output)
        self._names = FreshNames([*self._weights, *(value.name for value in model.graph.input), *values])

    def weight(self, name: str) -> NDArray[np.float32]:
        """The weight as it was."""
        array: NDArray[np.float32] = numpy_helper.to_array(self._weights[name])
        return array

    def keep(self, node: onnx.NodeProto) -> None:
        """Takes a node over as it is."""
        self._nodes.append(node)

    def emit(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], *, domain: str = "", **attributes: Any
    ) -> None:
        """Adds a node between values that have their names already."""
        name = f"{outputs[0]}/{operator}"
        self._nodes.append(helper.make_node(operator, inputs, outputs, name=name, domain=domain or None, **attributes))

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """Adds a constant; returns its name, which is `name` or one like it."""
        name = self.fresh(name)
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def once(self, *key: str, make: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        """The values that `make` writes for this key, or wrote before."""
        if key not in self._written:
            self._written[key] = make()
        return self._written[key]

    def fresh(self, base: str) -> str:
        """`base`, or a name like it that nothing has."""
        return self._names.fresh(base)

    def model(self, *, without: Collection[str]) -> onnx.ModelProto:
        """The finished model; `without` are the weights that have been replaced."""
        result = onnx.ModelProto()
        result.CopyFrom(self._model)
        del result.graph.node[:], result.graph.initializer[:]
        result.graph.node.extend(self._nodes)
        result.graph.initializer.extend(tensor for name, tensor in self._weights.items() if name not in without)
        result.graph.initializer.extend(self._constants)
        known = {entry.domain for entry in result.opset_import}
        if CONTRIB not in known and any(node.domain == CONTRIB for node in self._nodes):
            result.opset_import.append(helper.make_opsetid(CONTRIB, 1))
        return result
