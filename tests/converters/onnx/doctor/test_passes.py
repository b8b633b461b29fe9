"""After the repair a graph holds plain weights, each stored once, and computes the same as before."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from albert_converters.onnx.doctor.passes import repair_onnx
from albert_converters.onnx.model import read_onnx
from tests.tiny_onnx import SIZE, matrix, node, save_onnx, tiny_onnx


def run(model: onnx.ModelProto, **inputs: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    result: np.ndarray = session.run(None, inputs or {"x": matrix(9, rows=3)})[0]
    return result


def repaired(folder: Path, model: onnx.ModelProto, **inputs: np.ndarray) -> tuple[onnx.ModelProto, list[str]]:
    """Repair a model, check that it computes the same, and return it with a list of what was done."""
    expected = run(model, **inputs)
    view = read_onnx(save_onnx(folder, model))
    done = repair_onnx(view)
    np.testing.assert_array_equal(run(view.proto, **inputs), expected)
    return view.proto, done


def weights(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    return {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}


def operators(model: onnx.ModelProto) -> dict[str, int]:
    return dict(Counter(one.op_type for one in model.graph.node))


def test_a_healthy_graph_stays(tmp_path: Path) -> None:
    model = tiny_onnx([node("MatMul", "x w", "y")], {"w": matrix(0)})
    assert repaired(tmp_path, model) == (model, [])


def test_chains_of_operators_on_weights_are_folded(tmp_path: Path) -> None:
    nodes = [
        node("Reshape", "w shape", "a"),
        node("Transpose", "a", "b", perm=[1, 0]),
        node("Identity", "b", "c"),
        node("Identity", "b", "d"),
        node("MatMul", "x c", "e"),
        node("MatMul", "e d", "y"),
    ]
    model, done = repaired(tmp_path, tiny_onnx(nodes, {"w": matrix(0).reshape(-1), "shape": np.int64([SIZE, SIZE])}))
    assert operators(model) == {"MatMul": 2}
    assert weights(model) == {"b": (SIZE, SIZE)}
    assert done[0] == "folded 1 Reshape, 1 Transpose, 2 Identity"


def test_equal_weights_are_shared(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x a", "p"), node("MatMul", "p b", "q"), node("MatMul", "q c", "y")]
    model, done = repaired(tmp_path, tiny_onnx(nodes, {"a": matrix(0), "b": matrix(0), "c": matrix(1)}))
    assert set(weights(model)) == {"a", "c"}
    assert done[0] == "shared 2 equal weights as 1"


def test_weights_in_constant_nodes(tmp_path: Path) -> None:
    constant = [node("Constant", "", name, value=numpy_helper.from_array(matrix(0))) for name in ("a", "b")]
    model, _ = repaired(tmp_path, tiny_onnx([*constant, node("MatMul", "x a", "p"), node("MatMul", "p b", "y")], {}))
    assert weights(model) == {"a": (SIZE, SIZE)}
    assert operators(model) == {"MatMul": 2}


def test_gemm_reads_a_shared_matrix_transposed(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x w", "a"), node("Gemm", "a t", "b", transB=1), node("Gemm", "b t", "y")]
    model, _ = repaired(tmp_path, tiny_onnx(nodes, {"w": matrix(0), "t": matrix(0).T.copy()}))
    assert set(weights(model)) == {"w"}
    flags = [attribute.i for one in model.graph.node for attribute in one.attribute if attribute.name == "transB"]
    assert flags == [0, 1]


def test_a_table_serves_lookup_and_matmul(tmp_path: Path) -> None:
    """Masked language models score words with the table that they look the words up in."""
    nodes = [node("Gather", "table ids", "word"), node("MatMul", "word scores", "y")]
    table = matrix(0, rows=40)
    inputs = {"ids": (TensorProto.INT64, ["batch_size", "sequence_length"])}
    model = tiny_onnx(nodes, {"table": table, "scores": table.T.copy()}, inputs=inputs)
    model, done = repaired(tmp_path, model, ids=np.arange(12).reshape(3, 4))
    assert weights(model) == {"table": (40, SIZE)}
    assert operators(model)["Gemm"] == 1
    assert "shared 1 weights with their transposes" in done


def test_a_table_behind_a_transpose(tmp_path: Path) -> None:
    nodes = [
        node("Gather", "table ids", "word"),
        node("Transpose", "table", "scores", perm=[1, 0]),
        node("MatMul", "word scores", "y"),
    ]
    inputs = {"ids": (TensorProto.INT64, ["batch_size", "sequence_length"])}
    model = tiny_onnx(nodes, {"table": matrix(0, rows=40)}, inputs=inputs)
    model, _ = repaired(tmp_path, model, ids=np.arange(12).reshape(3, 4))
    assert weights(model) == {"table": (40, SIZE)}
    assert "Transpose" not in operators(model)


def test_packed_matmuls_become_one(tmp_path: Path) -> None:
    parts = {name: matrix(seed, columns=SIZE) for seed, name in enumerate(("query", "key", "value"))}
    nodes = [node("MatMul", f"x {name}", f"of_{name}") for name in ("value", "query", "key")]
    nodes += [node("Concat", "of_query of_key of_value", "all", axis=-1), node("MatMul", "x packed", "b")]
    nodes += [node("Add", "all b", "y")]
    packed = np.concatenate(list(parts.values()), axis=1)
    model, done = repaired(tmp_path, tiny_onnx(nodes, {**parts, "packed": packed}))
    assert weights(model) == {"packed": (SIZE, 3 * SIZE)}
    assert operators(model)["MatMul"] == 2
    assert done[0].startswith("merged 3 matmuls into 1")


def test_what_is_quantized_as_it_runs_is_stored_quantized(tmp_path: Path) -> None:
    nodes = [node("DynamicQuantizeLinear", "x", "v vs vz"), node("Cast", "i", "y", to=TensorProto.FLOAT)]
    nodes[1:1] = [
        node("Identity", "w", "seen"),
        node("DynamicQuantizeLinear", "seen", "q qs qz"),
        node("MatMulInteger", "v q vz qz", "i"),
    ]
    model, _ = repaired(tmp_path, tiny_onnx(nodes, {"w": matrix(0)}))
    assert weights(model) == {"q": (SIZE, SIZE), "qz": ()}
    assert operators(model) == {"DynamicQuantizeLinear": 1, "MatMulInteger": 1, "Cast": 1}


def test_weights_are_not_widened(tmp_path: Path) -> None:
    nodes = [node("Cast", "w", "seen", to=TensorProto.FLOAT), node("MatMul", "x seen", "y")]
    model = tiny_onnx(nodes, {"w": matrix(0).astype(np.float16)})
    assert repaired(tmp_path, model) == (model, [])


def test_outputs_keep_their_names(tmp_path: Path) -> None:
    model = tiny_onnx([node("Identity", "w", "y")], {"w": matrix(0), "unused": matrix(1)})
    model, _ = repaired(tmp_path, model)
    assert operators(model) == {"Identity": 1}
    assert set(weights(model)) == {"w"}


def test_replaceable_and_unread_weights(tmp_path: Path) -> None:
    model = tiny_onnx([node("MatMul", "x w", "y")], {"w": matrix(0), "unread": matrix(1)})
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [SIZE, SIZE]))
    model, _ = repaired(tmp_path, model)
    assert [value.name for value in model.graph.input] == ["x"]
    assert set(weights(model)) == {"w"}


@pytest.mark.parametrize("shadowed", [False, True])
def test_bodies_read_what_is_shared(tmp_path: Path, shadowed: bool) -> None:
    """A body's own value may have the name of a weight outside."""
    own = [numpy_helper.from_array(matrix(5), "b")] if shadowed else []

    def branch(name: str) -> onnx.GraphProto:
        output = helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)
        return helper.make_graph([node("MatMul", "p b", f"{name}_y")], name, [], [output], own)

    choice = node("If", "condition", "q", then_branch=branch("then"), else_branch=branch("else"))
    nodes = [node("MatMul", "x a", "p"), choice, node("Add", "q b2", "y")]
    outside = {"a": matrix(0), "condition": np.array(True), "b2": matrix(0, rows=1)}
    outside |= {} if shadowed else {"b": matrix(0)}
    model, _ = repaired(tmp_path, tiny_onnx(nodes, outside))
    bodies = [attribute.g for one in model.graph.node for attribute in one.attribute if attribute.HasField("g")]
    assert [body.node[0].input[1] for body in bodies] == ["b" if shadowed else "a"] * 2


def test_one_file_in_place_of_several(tmp_path: Path) -> None:
    model = tiny_onnx([node("MatMul", "x w", "y")], {"w": matrix(0)})
    onnx.save(model, str(tmp_path / "m.onnx"), save_as_external_data=True, location="w.bin", size_threshold=0)
    view = read_onnx(tmp_path / "m.onnx")
    assert repair_onnx(view) == ["moved the weights of 1 other files into the one file"]
    (tmp_path / "w.bin").unlink()
    assert run(onnx.load_from_string(view.proto.SerializeToString())).shape == (3, SIZE)
