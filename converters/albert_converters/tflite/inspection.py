"""The facts about a .tflite file: its tensors and operators, and how its weights are stored and multiplied."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from albert_converters.tflite.model import axes, content, text, type_name
from albert_converters.tflite.model_view import TFLiteModelView, read_tflite

#: number of weights that are listed as the largest ones
_LARGEST = 5


def inspect_tflite(file: Path) -> dict[str, Any]:
    """Return the facts about a TFLite file, as JSON types.

    An axis of -1 is dynamic. "matrix_products" counts the matrix multiplications by a constant matrix by operator, once
    for each place in the file, so the body of a loop counts once. "arithmetic" says how many of them compute

    - "dynamic": in integers, with activations that are quantized as they come
    - "static": in integers, with activations whose ranges were calibrated
    - "float": in float32; these are listed by name in "float_products"
    - "float, float16 weights" (or int8, int4): in float32, with weights that are converted to float32 before

    "duplicated_weights" holds a record for each weight that the file stores more than once.

    Raises:
        UsageError: there is no such file.
        UnsupportedError: it is not a TFLite model, or damaged.
    """
    view = read_tflite(file)
    model, matmuls = view.model, view.matmuls
    metadata = {text(entry.name): content(model.buffers[entry.buffer]).tobytes() for entry in model.metadata or []}
    arithmetic = Counter(matmul.arithmetic for matmul in matmuls)
    main_graphs = {signature.subgraphIndex for signature in model.signatureDefs or []} or {0}
    return {
        "file": str(file),
        "bytes": view.file_bytes,
        "producer": text(model.description),
        "min_runtime_version": metadata.get("min_runtime_version", b"").rstrip(b"\0").decode("utf-8", "replace"),
        "metadata_bytes": {name: len(value) for name, value in metadata.items()},
        "packed_files": packed_files(file),
        "inputs": [_tensor(name, tensor) for name, tensor in view.signature_tensors("inputs")],
        "outputs": [_tensor(name, tensor) for name, tensor in view.signature_tensors("outputs")],
        "operators": dict(Counter(operator.name for operator in view.operators).most_common()),
        "subgraphs": len(model.subgraphs) - len(main_graphs),
        "weight_bytes": _bytes_by_type(view),
        "largest_weights": [
            {**_tensor(text(tensor.name), tensor), "bytes": view.size(tensor)} for tensor in view.constants[:_LARGEST]
        ],
        "duplicated_weights": [
            {
                "names": [text(tensor.name) for tensor in group],
                "copies": len(group),
                "bytes_each": view.size(group[0]),
            }
            for group in view.duplicated_weights
        ],
        "matrix_products": dict(Counter(matmul.operator.name for matmul in matmuls).most_common()),
        "float_products": [matmul.name for matmul in matmuls if matmul.arithmetic == "float"],
        "arithmetic": dict(arithmetic.most_common()),
        "quantized_share": (arithmetic["dynamic"] + arithmetic["static"]) / len(matmuls) if matmuls else 0.0,
    }


def packed_files(file: Path) -> dict[str, int]:
    """Return name -> bytes of the files appended to a model as a zip archive: labels, vocabularies, tokenizers."""
    try:
        with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
            return {entry.filename: entry.file_size for entry in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError, ValueError):  # most models carry no archive
        return {}


def _tensor(name: str, tensor: schema.TensorT) -> dict[str, Any]:
    return {"name": name, "type": type_name(tensor), "axes": axes(tensor)}


def _bytes_by_type(view: TFLiteModelView) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for tensor in view.constants:
        sizes[type_name(tensor)] += view.size(tensor)
    return dict(sizes.most_common())
