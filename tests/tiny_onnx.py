"""Small ONNX models made by hand, node by node: quick to build, and with known facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

#: name -> type and axes
Values = Mapping[str, tuple[int, Sequence[int | str]]]

SIZE = 16
FLOATS: Values = {"x": (TensorProto.FLOAT, ["batch_size", SIZE])}
TOKENS: Values = {
    name: (TensorProto.INT64, ["batch_size", "sequence_length"])
    for name in ("input_ids", "attention_mask", "token_type_ids")
}


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    """Return a node; spaces separate the names of its inputs and outputs."""
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def tiny_onnx(
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, np.ndarray],
    *,
    inputs: Values = FLOATS,
    output: str = "y",
    opset: int = 18,
    producer: str = "hand",
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """Return a model of one graph; `domains` are those of operators outside the ONNX standard."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, axes) for name, (kind, axes) in inputs.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, producer_name=producer, ir_version=8)


def save_onnx(folder: Path, model: onnx.ModelProto, name: str = "model.onnx") -> Path:
    """Write a model into `folder`, and return its file."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(model.SerializeToString())
    return folder / name


def matrix(seed: int = 0, rows: int = SIZE, columns: int = SIZE) -> np.ndarray:
    """Return random weights, float32 `[rows, columns]`."""
    return np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)


def reader_of_tokens(
    *,
    inputs: Values = TOKENS,
    mask: float = -10000.0,
    epsilon: float = 1e-5,
    scale: np.ndarray | None = None,
) -> onnx.ModelProto:
    """Return a graph from token ids, a mask and token types to y `[batch, sequence, SIZE]`.

    It has no errors, unless the arguments ask for one: inputs can be left out, and `mask` and `epsilon` be too small.
    """
    given = set(inputs)
    nodes = [node("Gather", "words input_ids", "word")]
    if "token_type_ids" in given:
        nodes += [node("Gather", "types token_type_ids", "type"), node("Add", "word type", "sum")]
    else:
        nodes += [node("Identity", "word", "sum")]
    if "attention_mask" in given:
        nodes += [
            node("Cast", "attention_mask", "kept", to=TensorProto.FLOAT),
            node("Sub", "one kept", "padded"),
            node("Mul", "padded lowest", "mask"),
            node("Unsqueeze", "mask last", "mask_column"),
            node("Add", "sum mask_column", "masked"),
        ]
    else:
        nodes += [node("Add", "sum lowest", "masked")]
    nodes += [
        node("LayerNormalization", "masked scale", "normal", axis=-1, epsilon=epsilon, name="norm"),
        node("MatMul", "normal weight", "y"),
    ]
    weights = {
        "words": matrix(1, rows=50),
        "types": matrix(2, rows=2),
        "weight": matrix(3),
        "scale": np.ones(SIZE, np.float32) if scale is None else scale,
        "one": np.float32(1.0),
        "lowest": np.float32(mask),
        "last": np.int64([-1]),
    }
    read = {name for one in nodes for name in one.input}
    return tiny_onnx(nodes, {name: np.asarray(array) for name, array in weights.items() if name in read}, inputs=inputs)
