"""Small ONNX graphs to quantize, and runs of them in ONNX Runtime and in ONNX's own evaluator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

Arrays = dict[str, np.ndarray]

WORDS, WIDTH, HIDDEN, OUT = 50, 8, 12, 5


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def make_model(
    nodes: list[onnx.NodeProto], weights: Arrays, inputs: dict[str, int], outputs: dict[str, int], *, opset: int = 18
) -> onnx.ModelProto:
    """Build a model. Inputs and outputs are given by name and rank; ids are int64, the others float32."""

    def values(ranks: dict[str, int]) -> list[onnx.ValueInfoProto]:
        types = {"ids": TensorProto.INT64}
        return [
            helper.make_tensor_value_info(
                name, types.get(name, TensorProto.FLOAT), [f"{name}_{i}" for i in range(rank)]
            )
            for name, rank in ranks.items()
        ]

    graph = helper.make_graph(
        nodes,
        "graph",
        values(inputs),
        values(outputs),
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    imports = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=helper.find_min_ir_version_for(imports))
    helper.set_model_props(model, {"task": "none"})
    return model


def matmul(matrix: np.ndarray, *, opset: int = 18) -> onnx.ModelProto:
    return make_model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": matrix}, {"x": 2}, {"y": 2}, opset=opset)


def passes(*, opset: int = 18) -> onnx.ModelProto:
    """Two passes of a layer with three matrix multiplications of one input and a bias, as in ALBERT."""
    weights = {name: random(HIDDEN, HIDDEN, seed=seed) for seed, name in enumerate(("query", "key", "value"))}
    nodes = []
    for number, source, result in ((1, "x", "middle"), (2, "middle", "y")):
        nodes += [helper.make_node("MatMul", [source, name], [f"{name}_{number}"]) for name in weights]
        nodes += [
            helper.make_node("Add", [f"key_{number}", "bias"], [f"keys_{number}"]),
            helper.make_node("Mul", [f"query_{number}", f"keys_{number}"], [f"both_{number}"]),
            helper.make_node("Add", [f"both_{number}", f"value_{number}"], [result]),
        ]
    return make_model(nodes, {**weights, "bias": random(HIDDEN, seed=3)}, {"x": 3}, {"y": 3}, opset=opset)


def tied(*, bias: bool = True, opset: int = 18) -> onnx.ModelProto:
    """A table of words that is the decoder's matrix too, and a table of positions that is not."""
    nodes = [
        helper.make_node("Gather", ["words", "ids"], ["embedded"], axis=0),
        helper.make_node("Gather", ["places", "ids"], ["placed"]),
        helper.make_node("Add", ["embedded", "placed"], ["sum"]),
        helper.make_node("Reshape", ["sum", "flat"], ["rows"]),
        helper.make_node("Gemm", ["rows", "words", *(["bias"] if bias else [])], ["logits"], transB=1),
    ]
    weights = {"words": random(WORDS, WIDTH), "places": random(WORDS, WIDTH, seed=1), "flat": np.int64([-1, WIDTH])}
    if bias:
        weights["bias"] = random(WORDS, seed=2)
    return make_model(nodes, weights, {"ids": 2}, {"embedded": 3, "sum": 3, "logits": 2}, opset=opset)


def run(model: onnx.ModelProto, **inputs: np.ndarray) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, inputs)
    return outputs[0] if len(outputs) == 1 else outputs


def run_plainly(model: onnx.ModelProto, **inputs: np.ndarray) -> Any:
    """Run the model in ONNX's own evaluator, which fuses nothing."""
    outputs = ReferenceEvaluator(model).run(None, inputs)
    return outputs[0] if len(outputs) == 1 else outputs


def loaded_operators(model: onnx.ModelProto, folder: Path) -> list[str]:
    """Return the operators that ONNX Runtime computes, after it has fused some."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(folder / "loaded.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]


def constants(model: onnx.ModelProto) -> Arrays:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def operators(model: onnx.ModelProto, name: str) -> int:
    return sum(node.op_type == name for node in model.graph.node)


def dynamic_activations(x: np.ndarray) -> np.ndarray:
    """Quantize and dequantize x as the specification of DynamicQuantizeLinear says."""
    least, largest = min(x.min(), np.float32(0)), max(x.max(), np.float32(0))
    scale = (largest - least) / np.float32(255)
    zero_point = np.clip(np.rint(-least / scale), 0, 255)
    values = np.clip(np.rint(x / scale) + zero_point, 0, 255) - zero_point
    return (values * scale).astype(np.float32)
