"""`inspect_onnx` counts copies, quantized matmuls and subgraphs, on graphs small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from albert_converters.onnx.inspection import inspect_onnx
from albert_runtime.errors import UnsupportedError, UsageError


def save(path: Path, nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray]) -> Path:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch_size", 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch_size", 16])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="hand"), str(path))
    return path


def test_copies_types_and_matmuls(tmp_path: Path) -> None:
    matrix = np.arange(256, dtype=np.float32).reshape(16, 16)
    file = save(
        tmp_path / "model.onnx",
        [
            helper.make_node("MatMul", ["x", "first"], ["a"]),
            helper.make_node("MatMul", ["a", "second"], ["b"]),
            helper.make_node("MatMulInteger", ["b", "third"], ["y"]),
        ],
        {"first": matrix, "second": matrix.copy(), "third": matrix.astype(np.int8), "one": np.float32([1.0])},
    )
    facts = inspect_onnx(file)
    assert facts["duplicated_weights"] == [{"names": ["first", "second"], "copies": 2, "bytes_each": 1024}]
    assert facts["weight_bytes"] == {"float": 2 * 1024 + 4, "int8": 256}
    assert facts["operators"] == {"MatMul": 2, "MatMulInteger": 1}
    assert facts["quantized_share"] == pytest.approx(1 / 3)
    assert facts["arithmetic"] == {"float": 2, "dynamic": 1}
    assert facts["float_products"] == ["a", "b"]
    assert facts["activation_products"] == 0
    assert facts["inputs"] == [{"name": "x", "type": "float", "axes": ["batch_size", 16]}]
    assert facts["opsets"] == {"ai.onnx": 18}
    assert facts["producer"] == "hand"
    assert facts["subgraphs"] == 0


def test_subgraphs_are_counted_too(tmp_path: Path) -> None:
    def branch(name: str) -> onnx.GraphProto:
        weight = numpy_helper.from_array(np.ones((16, 16), np.float32), f"{name}_weight")
        output = helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)
        return helper.make_graph(
            [helper.make_node("MatMul", ["x", f"{name}_weight"], [f"{name}_y"])], name, [], [output], [weight]
        )

    condition = {"condition": np.array(True)}
    node = helper.make_node("If", ["condition"], ["y"], then_branch=branch("then"), else_branch=branch("else"))
    facts = inspect_onnx(save(tmp_path / "model.onnx", [node], condition))
    assert facts["subgraphs"] == 2
    assert facts["matrix_products"] == {"MatMul": 2}
    assert [entry["copies"] for entry in facts["duplicated_weights"]] == [2]


def test_arithmetic(tmp_path: Path) -> None:
    """One matmul of every kind; matmuls of two activations do not count in the share."""
    matrix = np.eye(16, dtype=np.float32)
    scale, zero = np.float32(0.1), np.uint8(0)
    nodes = [
        helper.make_node("MatMul", ["x", "matrix"], ["float"]),
        helper.make_node("Transpose", ["matrix"], ["turned"]),
        helper.make_node("MatMul", ["x", "turned"], ["float_too"]),
        helper.make_node("Constant", [], ["held"], value=numpy_helper.from_array(matrix)),
        helper.make_node("Gemm", ["x", "held"], ["float_still"]),
        helper.make_node("Cast", ["halves"], ["widened"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "widened"], ["halved"]),
        helper.make_node("DequantizeLinear", ["bytes", "scale"], ["restored"]),
        helper.make_node("MatMul", ["x", "restored"], ["weights_only"]),
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["quantized"]),
        helper.make_node("DequantizeLinear", ["quantized", "scale", "zero"], ["rounded"]),
        helper.make_node("MatMul", ["rounded", "restored"], ["static"]),
        helper.make_node(
            "QLinearMatMul", ["quantized", "scale", "zero", "bytes", "scale", "zero", "scale", "zero"], ["q"]
        ),
        helper.make_node("DynamicQuantizeLinear", ["x"], ["taken", "its_scale", "its_zero"]),
        helper.make_node("MatMulInteger", ["taken", "bytes", "its_zero"], ["dynamic"]),
        helper.make_node("MatMulNBits", ["x", "nibbles", "scales"], ["y"], domain="com.microsoft", K=16, N=16),
        helper.make_node("MatMul", ["x", "float"], ["attention"]),
        helper.make_node("MatMul", ["rounded", "rounded"], ["attention_too"]),
        helper.make_node("MatMulInteger", ["taken", "taken"], ["attention_still"]),
    ]
    weights = {
        "matrix": matrix,
        "halves": matrix.astype(np.float16),
        "bytes": matrix.astype(np.int8),
        "nibbles": np.zeros((16, 1, 8), np.uint8),
        "scales": np.ones(16, np.float32),
        "scale": np.asarray(scale),
        "zero": np.asarray(zero),
    }
    facts = inspect_onnx(save(tmp_path / "model.onnx", nodes, weights))
    assert facts["arithmetic"] == {
        "float": 3,
        "static": 2,
        "float, float16 weights": 1,
        "float, int8 weights": 1,
        "dynamic": 1,
        "blockwise": 1,
    }
    assert facts["float_products"] == ["float", "float_too", "float_still"]
    assert facts["activation_products"] == 3
    assert facts["quantized_share"] == pytest.approx(4 / 9)
    assert facts["matrix_products"] == {
        "MatMul": 5,
        "Gemm": 1,
        "QLinearMatMul": 1,
        "MatMulInteger": 1,
        "MatMulNBits": 1,
    }


def test_what_is_not_onnx(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't read .*nowhere"):
        inspect_onnx(tmp_path / "nowhere.onnx")
    for name, content in {"noise": b"\xff" * 100, "text": b"not a graph at all"}.items():
        file = tmp_path / f"{name}.onnx"
        file.write_bytes(content)
        with pytest.raises(UnsupportedError, match=r"is not an ONNX graph.*; fetch or export it again$"):
            inspect_onnx(file)


def test_weights_that_are_missing(tmp_path: Path) -> None:
    matmul = helper.make_node("MatMul", ["x", "w"], ["y"])
    file = save(tmp_path / "model.onnx", [matmul], {"w": np.ones((16, 16), np.float32)})
    onnx.save(onnx.load(file), str(file), save_as_external_data=True, location="weights", size_threshold=0)
    assert inspect_onnx(file)["weight_bytes"] == {"float": 1024}
    (tmp_path / "weights").unlink()
    with pytest.raises(
        UnsupportedError, match=r"keeps weights in files that are not beside it; copy them into .*:(.|\n)*weights"
    ):
        inspect_onnx(file)
