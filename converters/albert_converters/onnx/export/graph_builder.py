"""GraphBuilder: builds an ONNX graph from traced PyTorch nodes, with each weight and each constant stored once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import fx

from albert_converters.onnx.detached_model import DETACHED_BYTES, DetachedModel
from albert_converters.onnx.names import FreshNames
from albert_runtime.tasks import BATCH, CHOICES, MASKED, SEQUENCE

_DTYPES = {
    torch.float32: onnx.TensorProto.FLOAT,
    torch.float16: onnx.TensorProto.FLOAT16,
    torch.int64: onnx.TensorProto.INT64,
    torch.int32: onnx.TensorProto.INT32,
    torch.bool: onnx.TensorProto.BOOL,
}


def onnx_dtype(dtype: torch.dtype) -> int:
    """ONNX's code for a torch dtype."""
    return int(_DTYPES[dtype])


def static_sizes(sizes: Sequence[Any]) -> list[int] | None:
    """The sizes of a traced shape; None if one of them is dynamic."""
    return None if any(isinstance(size, torch.SymInt) for size in sizes) else [int(size) for size in sizes]


def _value_info(name: str, node: fx.Node, axes: Sequence[str]) -> onnx.ValueInfoProto:
    """The declaration of an input or output; the sizes of dynamic axes are the names in `axes`."""
    traced, dynamic = node.meta["val"], (BATCH, CHOICES, SEQUENCE, MASKED)
    shape = [
        axis if axis in dynamic and isinstance(size, torch.SymInt) else int(size)
        for axis, size in zip(axes, traced.shape, strict=True)
    ]
    return helper.make_tensor_value_info(name, onnx_dtype(traced.dtype), shape)


class GraphBuilder:
    """Collects nodes and constants. Each traced node is bound to the name of the ONNX value that holds its result.

    Args:
        opset: version of the ai.onnx operators.
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._detached: dict[str, np.ndarray[Any, Any]] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._values: dict[fx.Node, str] = {}
        self._weights: dict[fx.Node, tuple[str, torch.Tensor]] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._names = FreshNames()

    # --- inputs, weights and outputs ----------------------------------------------------------------------------

    def bind_input(self, node: fx.Node, name: str, axes: Sequence[str]) -> None:
        """Make `node` the graph's input `name`; axes that were traced as dynamic get these names."""
        self._values[node] = self._names.fresh(name)
        self._inputs.append(_value_info(name, node, axes))

    def bind_weight(self, node: fx.Node, name: str, weight: torch.Tensor) -> None:
        """Remember a weight. It is added when a node first uses it, and transposed if that node needs it so."""
        self._weights[node] = (name, weight)

    def bind_output(self, node: fx.Node, name: str, axes: Sequence[str]) -> None:
        """Make the value of `node` the graph's output `name`; axes that were traced as dynamic get these names."""
        old = self._values[node]
        for proto in self._nodes:
            proto.input[:] = [name if value == old else value for value in proto.input]
            proto.output[:] = [name if value == old else value for value in proto.output]
        self._outputs.append(_value_info(name, node, axes))

    # --- values ---------------------------------------------------------------------------------------------------

    def value(self, node: fx.Node) -> str:
        """Return the ONNX value of a traced node; a weight is added to the graph as it is in the checkpoint."""
        if node not in self._values and node in self._weights:
            name, weight = self._weights[node]
            self._values[node] = self._add_initializer(name, weight.detach().cpu().numpy())
        return self._values[node]

    def transposed_weight(self, node: fx.Node) -> str | None:
        """Return the weight matrix `[out, in]` of `node` as a constant `[in, out]`.

        Returns:
            Its name, or None if another node uses the matrix as `[out, in]`, so that the graph must hold that.
        """
        if any(user.target is not torch.ops.aten.linear.default for user in node.users):
            return None
        if node not in self._values:
            name, weight = self._weights[node]
            self._values[node] = self._add_initializer(name, weight.detach().cpu().numpy().T)
        return self._values[node]

    def alias(self, node: fx.Node, value: str) -> None:
        """Bind `node` to a value that exists."""
        self._values[node] = value

    def constant(self, value: Any, dtype: np.dtype[Any] | type) -> str:
        """Return the name of a small constant; equal constants are stored once."""
        array = np.asarray(value, dtype=dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self._add_initializer("constant", array)
        return self._constants[key]

    def emit(self, operator: str, inputs: Sequence[str], *, outputs: int = 1, hint: str = "", **attributes: Any) -> Any:
        """Add a node.

        Args:
            operator: of ai.onnx.
            inputs: the names of its inputs.
            outputs: the number of its outputs.
            hint: how its outputs are named; otherwise they have the operator's name.
            attributes: of the operator.

        Returns:
            The name of its output, or a list of names if there are several.
        """
        base = hint or operator.lower()
        names = [self._names.fresh(base) for _ in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, name=f"{names[0]}/{operator}", **attributes))
        return names[0] if outputs == 1 else names

    def _add_initializer(self, name: str, array: np.ndarray[Any, Any]) -> str:
        name = self._names.fresh(name)
        if array.nbytes < DETACHED_BYTES:
            self._initializers[name] = numpy_helper.from_array(array, name)
        else:
            data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
            self._initializers[name] = onnx.TensorProto(name=name, data_type=data_type, dims=array.shape)
            self._detached[name] = array
        return name

    # --- the result -----------------------------------------------------------------------------------------------

    def model(self, *, name: str, producer_version: str, metadata: Mapping[str, str]) -> DetachedModel:
        """Return the finished model, with the oldest IR version of its opset, so that older engines load it.

        Its weights are the memory of the tensors that were bound.
        """
        graph = helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, initializer=list(self._initializers.values())
        )
        opset = helper.make_opsetid("", self.opset)
        model = helper.make_model(
            graph,
            opset_imports=[opset],
            ir_version=helper.find_min_ir_version_for([opset]),
            producer_name="albert-export",
            producer_version=producer_version,
        )
        helper.set_model_props(model, dict(metadata))
        return DetachedModel(model, self._detached)
