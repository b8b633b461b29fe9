"""What is in an ONNX file: tensors, operators, and how its weights are stored."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import onnx
from onnx import TensorProto, external_data_helper, numpy_helper

from albert_converters.onnx_parse import parse_onnx
from albert_runtime.errors import UnsupportedError

#: operators that multiply two matrices -> indices of these among the inputs
_PRODUCTS = {
    "MatMul": (0, 1),
    "Gemm": (0, 1),
    "FusedMatMul": (0, 1),
    "MatMulInteger": (0, 1),
    "DynamicQuantizeMatMul": (0, 1),
    "MatMulIntegerToFloat": (0, 1),
    "MatMulNBits": (0, 1),
    "QLinearMatMul": (0, 3),
}
#: operator -> how it computes; the others compute as their inputs say
_ARITHMETIC = {
    "MatMulInteger": "dynamic",
    "DynamicQuantizeMatMul": "dynamic",
    "MatMulIntegerToFloat": "dynamic",
    "MatMulNBits": "blockwise",
    "QLinearMatMul": "static",
}
_QUANTIZED = ("dynamic", "static", "blockwise")
#: operators behind which a constant is still the same weights
_UNPACKING = ("DequantizeLinear", "Cast", "Transpose", "Identity", "Reshape", "Squeeze", "Unsqueeze")
#: smaller constants are shapes and numbers of the graph, not weights
_WEIGHT_BYTES = 256


def inspect_onnx(file: Path) -> dict[str, Any]:
    """The facts about an ONNX file, as JSON types.

    Of the matrix products, those with a constant matrix are counted by operator, once for each node in the file.
    "arithmetic" says how many of them compute

    - "dynamic": in integers, with activations that are quantized as they come
    - "static": in integers, with activations that were calibrated
    - "blockwise": with weights, and mostly activations, that have a scale for each block of a channel
    - "float": in float32 or float16; these are listed by name in "float_products"
    - "float, float16 weights" (or int8): in float32, with weights unpacked to it before

    Products of two activations, as in attention, hold no weights; "activation_products" is how many there are.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not an ONNX graph, it is damaged, or files with its weights are missing.
    """
    model = parse_onnx(file)
    try:
        external_data_helper.load_external_data_for_model(model, str(file.parent))
    except Exception as error:  # files that are missing or too short
        raise UnsupportedError(
            f"{file} is damaged, or files with its weights are missing ({error}); fetch or export it again"
        ) from error
    if not model.graph.node:
        raise UnsupportedError(f"{file} is not an ONNX graph: it holds no operators; fetch or export it again")

    weights = [tensor for graph in graphs(model.graph) for tensor in graph.initializer]
    operators = Counter(node.op_type for graph in graphs(model.graph) for node in graph.node)
    everything = list(_products(model.graph, {}, {}))
    products = [product for product in everything if product.arithmetic]
    arithmetic = Counter(product.arithmetic for product in products)
    quantized = sum(arithmetic[name] for name in _QUANTIZED)
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
        "subgraphs": sum(1 for _ in graphs(model.graph)) - 1,
        "weight_bytes": _bytes_by_type(weights),
        "duplicated_weights": _duplicates(weights),
        "matrix_products": dict(Counter(product.operator for product in products).most_common()),
        "activation_products": len(everything) - len(products),
        "float_products": [product.name for product in products if product.arithmetic == "float"],
        "arithmetic": dict(arithmetic.most_common()),
        "quantized_share": quantized / len(products) if products else 0.0,
    }


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """`graph` and the bodies of its Loop, If and Scan nodes, theirs included."""
    yield graph
    for body in _bodies(graph):
        yield from graphs(body)


def _bodies(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield attribute.g


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


# --- products -------------------------------------------------------------------------------------------------------


class _Product(NamedTuple):
    operator: str
    #: of its output
    name: str
    #: empty for a product of two activations
    arithmetic: str


def _products(
    graph: onnx.GraphProto, outer_makers: dict[str, onnx.NodeProto], outer_types: dict[str, int]
) -> Iterator[_Product]:
    """The products of a graph and of its bodies, which see the values outside them."""
    makers = {**outer_makers, **{name: node for node in graph.node for name in node.output}}
    types = {**outer_types, **{tensor.name: tensor.data_type for tensor in graph.initializer}}
    for node in graph.node:
        types.update(
            (node.output[0], attribute.t.data_type)
            for attribute in node.attribute
            if node.op_type == "Constant" and attribute.name == "value"
        )
    for node in graph.node:
        if node.op_type in _PRODUCTS:
            sides = [node.input[place] for place in _PRODUCTS[node.op_type]]
            yield _Product(node.op_type, node.output[0], _arithmetic(node.op_type, sides, makers, types))
    for body in _bodies(graph):
        yield from _products(body, makers, types)


def _arithmetic(operator: str, sides: list[str], makers: dict[str, onnx.NodeProto], types: dict[str, int]) -> str:
    floats = [said for said in (_float_arithmetic(side, makers, types) for side in sides) if said]
    if not floats or operator in _ARITHMETIC:
        return _ARITHMETIC[operator] if floats else ""
    restored = all(side in makers and makers[side].op_type == "DequantizeLinear" for side in sides)
    return "static" if restored else floats[-1]


def _float_arithmetic(value: str, makers: dict[str, onnx.NodeProto], types: dict[str, int]) -> str:
    """What a float product with the constant `value` is called; empty for a value that is no constant."""
    widened = False
    while value not in types:
        if value not in makers or makers[value].op_type not in _UNPACKING:
            return ""
        widened = widened or makers[value].op_type in ("Cast", "DequantizeLinear")
        value = makers[value].input[0]
    return f"float, {TensorProto.DataType.Name(types[value]).lower()} weights" if widened else "float"
