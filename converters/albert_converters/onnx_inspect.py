"""What is in an ONNX file: tensors, operators, and how its weights are stored."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from onnx import numpy_helper

from albert_runtime.errors import UnsupportedError, UsageError

#: what counts as a matrix product, and which of its forms are quantized
_PRODUCTS = {"MatMul": False, "Gemm": False, "MatMulInteger": True, "QLinearMatMul": True, "MatMulNBits": True}
#: smaller constants are shapes and numbers of the graph, not weights
_WEIGHT_BYTES = 256


def inspect_onnx(file: Path) -> dict[str, Any]:
    """The facts about an ONNX file, as JSON types.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not an ONNX graph.
    """
    try:
        model = onnx.load(str(file))
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror or error}") from error
    except Exception as error:  # protobuf's DecodeError, and whatever external data raise
        raise UnsupportedError(f"{file} is not an ONNX graph, or parts of it are missing: {error}") from error
    if not model.graph.node:
        raise UnsupportedError(f"{file} is not an ONNX graph: it holds no operators")

    weights = [tensor for graph in _graphs(model.graph) for tensor in graph.initializer]
    operators = Counter(node.op_type for graph in _graphs(model.graph) for node in graph.node)
    products = {name: operators[name] for name in _PRODUCTS if operators[name]}
    quantized = sum(count for name, count in products.items() if _PRODUCTS[name])
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        "opsets": {entry.domain or "ai.onnx": entry.version for entry in model.opset_import},
        "ir_version": model.ir_version,
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "metadata": {entry.key: entry.value for entry in model.metadata_props},
        "inputs": [_tensor(value) for value in model.graph.input],
        "outputs": [_tensor(value) for value in model.graph.output],
        "operators": dict(operators.most_common()),
        "subgraphs": sum(1 for _ in _graphs(model.graph)) - 1,
        "weight_bytes": _bytes_by_type(weights),
        "duplicated_weights": _duplicates(weights),
        "matrix_products": products,
        "quantized_share": quantized / sum(products.values()) if products else 0.0,
    }


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """`graph` and the bodies of its Loop, If and Scan nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _graphs(attribute.g)


def _tensor(value: onnx.ValueInfoProto) -> dict[str, Any]:
    tensor = value.type.tensor_type
    axes = [axis.dim_param or axis.dim_value for axis in tensor.shape.dim]
    return {"name": value.name, "type": onnx.TensorProto.DataType.Name(tensor.elem_type).lower(), "axes": axes}


def _bytes_by_type(weights: list[onnx.TensorProto]) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for tensor in weights:
        sizes[onnx.TensorProto.DataType.Name(tensor.data_type).lower()] += numpy_helper.to_array(tensor).nbytes
    return dict(sizes.most_common())


def _duplicates(weights: list[onnx.TensorProto]) -> list[dict[str, Any]]:
    """Weights that the file holds more than once, by content."""
    places: dict[tuple[int, bytes], list[str]] = {}
    sizes: dict[tuple[int, bytes], int] = {}
    for tensor in weights:
        content = numpy_helper.to_array(tensor).tobytes()
        if len(content) >= _WEIGHT_BYTES:
            key = (tensor.data_type, hashlib.sha256(content).digest())
            places.setdefault(key, []).append(tensor.name)
            sizes[key] = len(content)
    return [
        {"names": names, "copies": len(names), "bytes_each": sizes[key]}
        for key, names in places.items()
        if len(names) > 1
    ]
