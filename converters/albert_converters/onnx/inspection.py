"""The facts about an ONNX file: its tensors and operators, and how its weights are stored and multiplied."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

from albert_converters.onnx.graph_view import DEQUANTIZER, ConstantSource, size_of
from albert_converters.onnx.matmuls import QUANTIZED_MATMULS, Matmul
from albert_converters.onnx.model import OnnxModelView, read_onnx

_QUANTIZED = set(QUANTIZED_MATMULS.values())


def inspect_onnx(file: Path) -> dict[str, Any]:
    """Return the facts about an ONNX file, as JSON types.

    "bytes" includes the files that hold external data, "weight_bytes" constants of any size, and "inputs" leaves out
    initializers that are listed as inputs. "matrix_products" counts the matrix multiplications with a constant matrix
    by operator, once for each node in the file. "arithmetic" says how many of them compute

    - "dynamic": in integers, with activations that are quantized as they come
    - "static": in integers, with activations whose ranges were calibrated
    - "blockwise": with weights, and mostly activations, that have a scale for each block of a channel
    - "float": in float32 or float16; these are listed by name in "float_products"
    - "float, float16 weights" (or int8): in float32, with weights that are converted to float32 before

    Matrix multiplications of two activations, as in attention, hold no weights; "activation_products" is how many there
    are. "duplicated_weights" holds a record for each weight that the file stores more than once.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not an ONNX graph, it is damaged, or files with its weights are missing.
    """
    view = read_onnx(file)
    matmuls = view.matmuls
    with_weights = [(matmul.node, _arithmetic(matmul, matmul.constant)) for matmul in matmuls if matmul.constant]
    arithmetic = Counter(kind for _, kind in with_weights)
    quantized = sum(arithmetic[kind] for kind in _QUANTIZED)
    return {
        "file": str(file),
        "bytes": view.file_bytes,
        "opsets": {entry.domain or "ai.onnx": entry.version for entry in view.proto.opset_import},
        "ir_version": view.proto.ir_version,
        "producer": f"{view.proto.producer_name} {view.proto.producer_version}".strip(),
        "metadata": {entry.key: entry.value for entry in view.proto.metadata_props},
        "inputs": [_tensor(value) for value in view.input_values],
        "outputs": [_tensor(value) for value in view.proto.graph.output],
        "operators": dict(Counter(node.op_type for node in view.nodes).most_common()),
        "subgraphs": len(view.graphs) - 1,
        "weight_bytes": _bytes_by_type(view),
        "duplicated_weights": [
            {
                "names": [weight.name for weight in group],
                "copies": len(group),
                "bytes_each": size_of(group[0].tensor),
            }
            for group in view.duplicated_weights
        ],
        "matrix_products": dict(Counter(node.op_type for node, _ in with_weights).most_common()),
        "activation_products": len(matmuls) - len(with_weights),
        "float_products": [node.output[0] for node, kind in with_weights if kind == "float"],
        "arithmetic": dict(arithmetic.most_common()),
        "quantized_share": quantized / len(with_weights) if with_weights else 0.0,
    }


def _tensor(value: onnx.ValueInfoProto) -> dict[str, Any]:
    tensor = value.type.tensor_type
    axes = [axis.dim_param or axis.dim_value for axis in tensor.shape.dim]
    return {"name": value.name, "type": _type_name(tensor.elem_type), "axes": axes}


def _type_name(data_type: int) -> str:
    return TensorProto.DataType.Name(data_type).lower()


def _bytes_by_type(view: OnnxModelView) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for tensor in view.constants:
        sizes[_type_name(tensor.data_type)] += size_of(tensor)
    return dict(sizes.most_common())


def _arithmetic(matmul: Matmul, weight: ConstantSource) -> str:
    """How a matmul by a constant matrix computes, as `inspect_onnx` calls it."""
    if matmul.node.op_type in QUANTIZED_MATMULS:
        return QUANTIZED_MATMULS[matmul.node.op_type]
    # engines fuse a matmul between DequantizeLinear nodes into one that computes in integers
    if all(producer is not None and producer.op_type == DEQUANTIZER for producer in matmul.operand_producers):
        return "static"
    is_converted = bool({"Cast", DEQUANTIZER} & set(weight.through)) and weight.tensor.data_type != TensorProto.FLOAT
    return f"float, {_type_name(weight.tensor.data_type)} weights" if is_converted else "float"
