"""What is in a .tflite file: tensors, operators, and how its weights are stored and multiplied."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from ai_edge_litert import schema_py_generated as schema

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

#: operators that multiply by a matrix, which is their second input
_PRODUCTS = ("FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D")
_LARGEST = 5
_INTEGER_WEIGHTS = ("int8", "uint8", "int4", "int2")


def inspect_tflite(file: Path) -> dict[str, Any]:
    """The facts about a TFLite file, as JSON types.

    An axis of -1 is dynamic. Of the matrix products, those whose matrix is a constant are counted, once for each
    place in the file, so a loop's body counts once. "arithmetic" says how many of them compute

    - "dynamic": in integers, with activations that are quantized as they come
    - "static": in integers, with activations that were calibrated
    - "float": in float32; these are listed by name in "float_products"
    - "float, float16 weights" (or int8, int4): in float32, with weights unpacked to it before

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not a TFLite model.
    """
    model = tflite_model.load(file)
    operators = Counter(
        operator_name(model, operator) for graph in model.subgraphs for operator in graph.operators or []
    )
    products = _products(model)
    arithmetic = Counter(product.arithmetic for product in products)
    weights = _weights(model)
    main_graphs = {signature.subgraphIndex for signature in model.signatureDefs or []} or {0}
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        "producer": text(model.description),
        "min_runtime_version": _metadata(model)
        .get("min_runtime_version", b"")
        .rstrip(b"\0")
        .decode("utf-8", "replace"),
        "metadata_bytes": {name: len(value) for name, value in _metadata(model).items()},
        "packed_files": _packed_files(file),
        "inputs": _signature_tensors(model, "inputs"),
        "outputs": _signature_tensors(model, "outputs"),
        "operators": dict(operators.most_common()),
        "subgraphs": len(model.subgraphs) - len(main_graphs),
        "weight_bytes": _bytes_by_type(model, weights),
        "largest_weights": [
            {**_tensor(text(tensor.name), tensor), "bytes": _size(model, tensor)} for tensor in weights[:_LARGEST]
        ],
        "duplicated_weights": _duplicates(model, weights),
        "matrix_products": dict(Counter(product.operator for product in products).most_common()),
        "float_products": [product.name for product in products if product.arithmetic == "float"],
        "arithmetic": dict(arithmetic.most_common()),
        "quantized_share": (arithmetic["dynamic"] + arithmetic["static"]) / len(products) if products else 0.0,
    }


def _metadata(model: schema.ModelT) -> dict[str, bytes]:
    return {text(entry.name): content(model.buffers[entry.buffer]).tobytes() for entry in model.metadata or []}


def _packed_files(file: Path) -> dict[str, int]:
    """Name -> bytes of what is appended to the model as a zip archive: labels, vocabularies, tokenizers."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
            return {entry.filename: entry.file_size for entry in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError, ValueError):  # most files carry nothing
        return {}


def _signature_tensors(model: schema.ModelT, side: str) -> list[dict[str, Any]]:
    """The inputs or outputs by their names in the signatures, or by their tensors' names where there are none."""
    signatures = model.signatureDefs or []
    if not signatures:
        graph = model.subgraphs[0]
        found = [graph.tensors[index] for index in integers(getattr(graph, side))]
        return [_tensor(text(tensor.name), tensor) for tensor in found]
    found = []
    for signature in signatures:
        prefix = f"{text(signature.signatureKey)}." if len(signatures) > 1 else ""
        graph = model.subgraphs[signature.subgraphIndex]
        for entry in getattr(signature, side) or []:
            found.append(_tensor(prefix + text(entry.name), graph.tensors[entry.tensorIndex]))
    return found


def _tensor(name: str, tensor: schema.TensorT) -> dict[str, Any]:
    return {"name": name, "type": type_name(tensor), "axes": axes(tensor)}


# --- weights --------------------------------------------------------------------------------------------------------


def _weights(model: schema.ModelT) -> list[schema.TensorT]:
    """The first tensor of each buffer that holds a constant, largest first."""
    first: dict[int, schema.TensorT] = {}
    for tensor in tensors(model):
        if _is_constant(model, tensor):
            first.setdefault(tensor.buffer, tensor)
    return sorted(first.values(), key=lambda tensor: -_size(model, tensor))


def _is_constant(model: schema.ModelT, tensor: schema.TensorT) -> bool:
    return _size(model, tensor) > 0 and not tensor.isVariable


def _size(model: schema.ModelT, tensor: schema.TensorT) -> int:
    return int(content(model.buffers[tensor.buffer]).size)


def _bytes_by_type(model: schema.ModelT, weights: list[schema.TensorT]) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for tensor in weights:
        sizes[type_name(tensor)] += _size(model, tensor)
    return dict(sizes.most_common())


def _duplicates(model: schema.ModelT, weights: list[schema.TensorT]) -> list[dict[str, Any]]:
    """Weights that the file holds more than once, by content."""
    places: dict[bytes, list[schema.TensorT]] = {}
    for tensor in weights:
        if _size(model, tensor) >= WEIGHT_BYTES:
            places.setdefault(fingerprint(model.buffers[tensor.buffer]), []).append(tensor)
    return [
        {"names": [text(tensor.name) for tensor in group], "copies": len(group), "bytes_each": _size(model, group[0])}
        for group in places.values()
        if len(group) > 1
    ]


# --- products -------------------------------------------------------------------------------------------------------


class _Product(NamedTuple):
    """A product with a constant matrix."""

    operator: str
    #: of its output
    name: str
    arithmetic: str


def _products(model: schema.ModelT) -> list[_Product]:
    found = []
    for graph in model.subgraphs:
        unpacked = {
            target: graph.tensors[source]
            for operator in graph.operators or []
            if operator_name(model, operator) == "DEQUANTIZE"
            for source, target in zip(integers(operator.inputs), integers(operator.outputs), strict=False)
        }
        for operator in graph.operators or []:
            name, inputs = operator_name(model, operator), integers(operator.inputs)
            if name not in _PRODUCTS or len(inputs) < 2:
                continue
            source, matrix = (graph.tensors[index] for index in inputs[:2])
            output = text(graph.tensors[integers(operator.outputs)[0]].name)
            if _is_constant(model, matrix):
                found.append(_Product(name, output, _arithmetic(type_name(source), type_name(matrix))))
            elif inputs[1] in unpacked and _is_constant(model, unpacked[inputs[1]]):
                found.append(_Product(name, output, f"float, {type_name(unpacked[inputs[1]])} weights"))
    return found


def _arithmetic(source: str, matrix: str) -> str:
    if matrix not in _INTEGER_WEIGHTS:
        return "float"
    return "dynamic" if source == "float32" else "static"
