"""`inspect` and `doctor` share one view of an ONNX model, so they count the same."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from albert_converters.onnx.doctor.diagnose import diagnose_onnx
from albert_converters.onnx.graph_view import GraphView, duplicated_weights
from albert_converters.onnx.inspection import inspect_onnx
from albert_converters.onnx.model import read_onnx
from tests.tiny_onnx import SIZE, matrix, node, save_onnx, tiny_onnx

MICROSOFT = "com.microsoft"
INT8 = matrix(1).astype(np.int8)
#: (name, nodes, weights): each case has one matmul with a weight
CASES = [
    ("plain", [node("MatMul", "x weight", "z")], {"weight": matrix(1)}),
    ("weight on the left", [node("MatMul", "weight x", "z")], {"weight": matrix(1)}),
    ("Gemm transB", [node("Gemm", "x weight", "z", transB=1)], {"weight": matrix(1)}),
    ("FusedGemm", [node("FusedGemm", "x weight bias", "z", domain=MICROSOFT)], {"weight": matrix(1)}),
    ("fused Attention", [node("Attention", "x weight bias", "z", domain=MICROSOFT)], {"weight": matrix(1, columns=48)}),
    ("QAttention", [node("QAttention", "q weight bias", "z", domain=MICROSOFT)], {"weight": INT8}),
    ("convolution", [node("Conv", "x weight", "z")], {"weight": matrix(1).reshape(SIZE, SIZE, 1)}),
    ("MatMulNBits", [node("MatMulNBits", "x weight scales", "z", domain=MICROSOFT)], {"weight": INT8.view(np.uint8)}),
    ("MatMulInteger", [node("MatMulInteger", "q weight", "z")], {"weight": INT8}),
    ("QLinearMatMul", [node("QLinearMatMul", "q s zero weight s zero s zero", "z")], {"weight": INT8}),
    (
        "QDQ",
        [
            node("DequantizeLinear", "weight scale", "restored"),
            node("Transpose", "restored", "turned"),
            node("MatMul", "x turned", "z"),
        ],
        {"weight": INT8},
    ),
    (
        "quantized at run time",
        [node("DynamicQuantizeLinear", "weight", "w ws wz"), node("MatMulInteger", "q w", "z")],
        {"weight": matrix(1)},
    ),
    ("Flatten", [node("Flatten", "weight", "flat"), node("MatMul", "x flat", "z")], {"weight": matrix(1)}),
    ("small constant", [node("MatMul", "x weight", "z")], {"weight": matrix(1, columns=2)}),
    ("unread copy", [node("MatMul", "x weight", "z")], {"weight": matrix(1), "unread": matrix(0)}),
]


def model_with(nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """Two float matmuls with equal weights, one matmul of two activations, and `nodes`."""
    base = [node("MatMul", "x first", "a"), node("MatMul", "a second", "b"), node("MatMul", "a b", "y")]
    return tiny_onnx([*base, *nodes], {"first": matrix(0), "second": matrix(0), **weights}, domains=[MICROSOFT])


def counts_of_inspection(file: Path) -> dict[str, int]:
    facts = inspect_onnx(file)
    with_weights = sum(facts["matrix_products"].values())
    assert sum(facts["arithmetic"].values()) == with_weights
    return {
        "matmuls": with_weights + facts["activation_products"],
        "with weights": with_weights,
        "duplicated": len(facts["duplicated_weights"]),
        "copies": sum(entry["copies"] - 1 for entry in facts["duplicated_weights"]),
        "wasted": sum((entry["copies"] - 1) * entry["bytes_each"] for entry in facts["duplicated_weights"]),
    }


def counts_of_diagnosis(file: Path) -> dict[str, int]:
    """Read the counts in the results; a file that is called int8 and holds mostly floats tells its matmuls."""
    results = {result.name: result for result in diagnose_onnx(file).results}
    claims = re.search(
        r"(\d+) of (\d+) matmuls have quantized weights: (\d+) have weights in floating point, (\d+) multiply",
        results["claims-int8"].what,
    )
    copies = re.match(r"(\d+) weights are copies of (\d+) others", results["duplicated-weights"].what)
    assert claims is not None
    assert copies is not None
    quantized, matmuls, floats, activations = map(int, claims.groups())
    assert quantized + floats + activations == matmuls
    return {
        "matmuls": matmuls,
        "with weights": quantized + floats,
        "duplicated": int(copies[2]),
        "copies": int(copies[1]),
        "wasted": results["duplicated-weights"].wasted_bytes,
    }


@pytest.mark.parametrize(("nodes", "weights"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_inspection_and_diagnosis_count_the_same(
    nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    file = save_onnx(tmp_path, model_with(nodes, weights), "model_int8.onnx")
    expected = {"matmuls": 4, "with weights": 3, "duplicated": 1, "copies": 1, "wasted": matrix(0).nbytes}
    assert counts_of_inspection(file) == expected
    assert counts_of_diagnosis(file) == expected


def test_bodies_and_constant_nodes_count_the_same(tmp_path: Path) -> None:
    """A Loop's body reads a weight of its own, which is a copy, one of a Constant node, and one of the outer graph."""
    held = node("Constant", "", "held", value=numpy_helper.from_array(matrix(0)))
    body = helper.make_graph(
        [
            node("MatMul", "state own", "p"),
            node("Identity", "held", "seen"),
            node("MatMul", "p seen", "q"),
            node("MatMul", "q first", "next"),
            node("Identity", "condition_in", "condition_out"),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("condition_in", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("condition_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
        [numpy_helper.from_array(matrix(0), "own")],
    )
    loop = helper.make_node("Loop", ["turns", "", "x"], ["z"], body=body)
    file = save_onnx(tmp_path, model_with([held, loop], {"turns": np.int64(3)}), "model_int8.onnx")
    expected = {"matmuls": 6, "with weights": 5, "duplicated": 1, "copies": 3, "wasted": 3 * matrix(0).nbytes}
    assert counts_of_inspection(file) == expected
    assert counts_of_diagnosis(file) == expected


def test_equal_bytes_of_another_shape_are_no_copies(tmp_path: Path) -> None:
    """A repair can't let the reader of one weight read the other."""
    nodes = [node("MatMul", "x first", "a"), node("Add", "a second", "y")]
    model = tiny_onnx(nodes, {"first": matrix(0), "second": matrix(0).reshape(1, SIZE, SIZE)})
    file = save_onnx(tmp_path, model)
    assert inspect_onnx(file)["duplicated_weights"] == []
    assert diagnose_onnx(file).results == ()


def test_inputs_of_a_body_hide_outer_names() -> None:
    body = helper.make_graph(
        [node("MatMul", "x w", "y")], "body", [helper.make_tensor_value_info("w", TensorProto.FLOAT, None)], []
    )
    outer = helper.make_graph([], "outer", [], [], [numpy_helper.from_array(matrix(0), "w")])
    view = GraphView(body, GraphView(outer))
    assert view.constant_source("w") is None
    assert view.constant("w") is None
    assert GraphView(helper.make_graph([], "body", [], []), GraphView(outer)).constant("w") is not None


def test_constant_nodes_of_every_kind(tmp_path: Path) -> None:
    values = {"value_float": 1.5, "value_floats": [1.0, 2.0], "value_int": 3, "value_ints": [4, 5]}
    nodes = [helper.make_node("Constant", [], [name], **{name: value}) for name, value in values.items()]
    view = read_onnx(save_onnx(tmp_path, tiny_onnx([*nodes, node("Identity", "x", "y")], {})))
    [graph] = view.graphs
    held = {name: numpy_helper.to_array(tensor).tolist() for name, tensor in graph.constants.items()}
    assert held == values
    assert duplicated_weights([graph]) == []
