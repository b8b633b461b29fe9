"""GraphRewriter: builds a new ONNX graph from an old one, with other nodes and other constants for some weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from albert_converters.onnx.detached_model import attach, values_of
from albert_converters.onnx.names import FreshNames

#: the domain of ONNX Runtime's own operators
CONTRIB = "com.microsoft"


class GraphRewriter:
    """Collects the nodes of the new graph in order, and its new constants.

    New values never have a name that the old graph uses.

    Args:
        model: the model with the old graph; it is not changed.
        detached: the values of initializers that `model` only declares; see `DetachedModel`.
    """

    def __init__(self, model: onnx.ModelProto, detached: Mapping[str, NDArray[Any]]) -> None:
        self._model = model
        self._detached = detached
        self._nodes: list[onnx.NodeProto] = []
        self._weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self._constants: list[onnx.TensorProto] = []
        self._made: dict[tuple[str, ...], tuple[str, ...]] = {}
        values = (name for node in model.graph.node for name in node.output)
        self._names = FreshNames([*self._weights, *(value.name for value in model.graph.input), *values])

    def weight(self, name: str) -> NDArray[np.float32]:
        """A weight of the old graph."""
        return values_of(self._weights[name], self._detached)

    def keep(self, node: onnx.NodeProto) -> None:
        """Append a node of the old graph unchanged."""
        self._nodes.append(node)

    def emit(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], *, domain: str = "", **attributes: Any
    ) -> None:
        """Append a new node. The caller chooses the names of its outputs."""
        name = f"{outputs[0]}/{operator}"
        self._nodes.append(helper.make_node(operator, inputs, outputs, name=name, domain=domain or None, **attributes))

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """Add a constant; return its name, which is `name`, or `name` with a number if that is taken."""
        name = self.fresh(name)
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def once(self, *key: str, make: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        """Return the names of the values that `make` adds; it is called once for each key."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def fresh(self, base: str) -> str:
        """Return a name that no value has: `base`, or `base` with a number."""
        return self._names.fresh(base)

    def model(self, *, without: Collection[str]) -> onnx.ModelProto:
        """Return the finished model.

        Args:
            without: the weights that have been replaced, and are left out.
        """
        result = onnx.ModelProto()
        result.CopyFrom(self._model)
        del result.graph.node[:], result.graph.initializer[:]
        result.graph.node.extend(self._nodes)
        result.graph.initializer.extend(tensor for name, tensor in self._weights.items() if name not in without)
        for tensor in result.graph.initializer:
            attach(tensor, self._detached)
        result.graph.initializer.extend(self._constants)
        known = {entry.domain for entry in result.opset_import}
        if CONTRIB not in known and any(node.domain == CONTRIB for node in self._nodes):
            result.opset_import.append(helper.make_opsetid(CONTRIB, 1))
        return result
