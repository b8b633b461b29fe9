"""A small ONNX model like an ALBERT: the same layer, with the same weights, several times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.tiny_onnx import SIZE, TOKENS, matrix, node, tiny_onnx

WORDS = 64


def layered_onnx(
    passes: int = 6, *, groups: int = 1, carried: int = 1, shown: int | None = None, seed: int = 0
) -> onnx.ModelProto:
    """A graph from token ids to y `[batch, sequence, SIZE]`, whose weights have 1,024 bytes or more.

    Args:
        passes: how often a layer is applied.
        groups: the layers that take turns, each with weights of its own.
        carried: the values that a pass hands over to the next.
        shown: the pass whose result is an output, too.
        seed: of the weights.
    """
    weights = {"words": matrix(seed, WORDS), "bias": np.linspace(-1, 1, SIZE, dtype=np.float32)}
    weights |= {f"weight_{group}": matrix(seed + 1 + group) / 4 for group in range(groups)}
    nodes = [
        node("Gather", "words input_ids", "h0"),
        node("Cast", "attention_mask", "mask", to=TensorProto.FLOAT),
        node("Unsqueeze", "mask last", "column"),
        node("Neg", "h0", "k0"),
    ]
    for number in range(passes):
        own = "k" if carried == 2 else "h"
        nodes += [
            node("MatMul", f"h{number} weight_{number % groups}", f"product{number}"),
            node("Add", f"product{number} bias", f"sum{number}"),
            node("Tanh", f"sum{number}", f"tanh{number}"),
            node("Mul", f"tanh{number} column", f"masked{number}"),
            node("Sub", f"masked{number} {own}{number}", f"h{number + 1}"),
        ]
        if carried == 2:
            nodes.append(node("Mul", f"masked{number} h{number}", f"k{number + 1}"))
    nodes.append(node("Identity", f"h{passes}", "y"))
    model = tiny_onnx(nodes, weights, inputs=TOKENS)
    model.graph.initializer.append(numpy_helper.from_array(np.array([-1]), "last"))
    if shown is not None:
        model.graph.output.append(helper.make_tensor_value_info(f"h{shown}", TensorProto.FLOAT, None))
    return model


def save_layered(file: Path, **settings: int) -> Path:
    """Writes `layered_onnx` to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(layered_onnx(**settings).SerializeToString())
    return file


def some_tokens() -> dict[str, np.ndarray]:
    """Inputs `[2, 5]` with padding."""
    ids = np.array([[2, 7, 9, 11, 3], [2, 5, 3, 0, 0]])
    return {"input_ids": ids, "attention_mask": (ids > 0).astype(np.int64), "token_type_ids": np.zeros_like(ids)}
