"""Each check reports the graphs that have its error, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from albert_converters.doctor.diagnosis import CheckResult
from albert_converters.onnx.doctor.diagnose import diagnose_onnx
from albert_runtime.errors import UnsupportedError, UsageError
from tests.conftest import CheckpointOf
from tests.tiny_onnx import FLOATS, SIZE, TOKENS, matrix, node, reader_of_tokens, save_onnx, tiny_onnx

Examine = Callable[..., dict[str, CheckResult]]


@pytest.fixture
def examine(tmp_path: Path) -> Examine:
    """Return a function that examines a model and returns the results by name."""

    def run(model: onnx.ModelProto, name: str = "model.onnx") -> dict[str, CheckResult]:
        return {result.name: result for result in diagnose_onnx(save_onnx(tmp_path, model, name)).results}

    return run


def two_matmuls(first: np.ndarray, second: np.ndarray, **options: object) -> onnx.ModelProto:
    nodes = [node("MatMul", "x first", "a"), node("MatMul", "a second", "y")]
    return tiny_onnx(nodes, {"first": first, "second": second}, **options)  # type: ignore[arg-type]


def test_healthy_graphs(examine: Examine) -> None:
    assert examine(reader_of_tokens()) == {}
    assert examine(two_matmuls(matrix(0), matrix(1))) == {}


def test_our_own_exports_are_healthy(bundle_of: CheckpointOf) -> None:
    for task in ("question-answering", "fill-mask", "multiple-choice"):
        diagnosis = diagnose_onnx(bundle_of(task) / "model.onnx")
        assert diagnosis.errors == ()
        assert {result.name for result in diagnosis.results} <= {"epsilon-vanishes-in-float16"}
        assert diagnosis.vocabulary_size == 30000


def test_duplicated_weights(examine: Examine) -> None:
    found = examine(two_matmuls(matrix(0), matrix(0)))
    assert set(found) == {"duplicated-weights"}
    result = found["duplicated-weights"]
    assert result.is_error
    assert result.repairable
    assert result.wasted_bytes == 4 * SIZE * SIZE
    assert result.where == ("first: 2 copies of 1,024 bytes",)
    assert result.to_dict()["severity"] == "error"


def test_small_constants_may_be_equal(examine: Examine) -> None:
    nodes = [node("Mul", "x first", "a"), node("Mul", "a second", "y")]
    assert examine(tiny_onnx(nodes, {"first": np.float32([2.0]), "second": np.float32([2.0])})) == {}


def test_transposed_copies(examine: Examine) -> None:
    nodes = [node("Gather", "table ids", "row"), node("MatMul", "row table_transposed", "y")]
    weights = {"table": matrix(0, rows=40), "table_transposed": np.ascontiguousarray(matrix(0, rows=40).T)}
    inputs = {"ids": (TensorProto.INT64, ["rows"]), "mask": (TensorProto.INT64, ["rows"])}
    found = examine(tiny_onnx(nodes, weights, inputs=inputs))
    assert found["transposed-copies"].where == ("table_transposed: 2,560 bytes",)
    assert found["transposed-copies"].repairable
    assert "transposed-copies" not in examine(two_matmuls(matrix(0), matrix(0).T @ matrix(0)))


def test_a_transposed_copy_that_both_sides_need_is_not_repairable(examine: Examine) -> None:
    nodes = [node("Mul", "x first", "a"), node("Mul", "a second", "y")]
    found = examine(tiny_onnx(nodes, {"first": matrix(0), "second": matrix(0).T.copy()}))
    assert not found["transposed-copies"].repairable


def test_packed_copies(examine: Examine) -> None:
    parts = {name: matrix(seed, columns=8) for seed, name in enumerate(("query", "key", "value"))}
    packed = np.concatenate(list(parts.values()), axis=1)
    nodes = [node("MatMul", f"x {name}", f"of_{name}") for name in ("value", "query", "key")]
    nodes += [node("Concat", "of_query of_key of_value", "all", axis=-1), node("MatMul", "x packed", "b")]
    nodes += [node("Add", "all b", "y")]
    found = examine(tiny_onnx(nodes, {**parts, "packed": packed}))
    assert found["packed-copies"].where == ("query + key + value in packed",)
    assert found["packed-copies"].wasted_bytes == packed.nbytes
    assert "packed-copies" not in examine(tiny_onnx(nodes, {**parts, "packed": packed[:, ::-1].copy()}))


@pytest.mark.parametrize(
    ("wrapper", "shape"),
    [
        (node("Identity", "weight", "seen"), (SIZE, SIZE)),
        (node("Transpose", "weight", "seen", perm=[1, 0]), (SIZE, SIZE)),
        (node("Reshape", "weight shape", "seen"), (SIZE * SIZE,)),
        (node("Squeeze", "weight first", "seen"), (1, SIZE, SIZE)),
    ],
)
def test_hidden_weights(examine: Examine, wrapper: onnx.NodeProto, shape: tuple[int, ...]) -> None:
    weights = {"weight": matrix(0).reshape(shape), "shape": np.int64([SIZE, SIZE]), "first": np.int64([0])}
    weights = {name: array for name, array in weights.items() if name in wrapper.input}
    found = examine(tiny_onnx([wrapper, node("MatMul", "x seen", "y")], weights))
    assert set(found) == {"hidden-weights"}
    assert found["hidden-weights"].repairable
    assert f"1 of 1 matmuls with weights read them through {wrapper.op_type} (1)" in found["hidden-weights"].what


def test_weights_that_are_widened_stay(examine: Examine) -> None:
    nodes = [node("Cast", "weight", "seen", to=TensorProto.FLOAT), node("MatMul", "x seen", "y")]
    found = examine(tiny_onnx(nodes, {"weight": matrix(0).astype(np.float16)}))
    assert not found["hidden-weights"].repairable


def test_unpacked_weights_are_not_hidden(examine: Examine) -> None:
    nodes = [node("DequantizeLinear", "weight scale", "seen"), node("MatMul", "x seen", "y")]
    assert examine(tiny_onnx(nodes, {"weight": np.ones((SIZE, SIZE), np.int8), "scale": np.float32(0.1)})) == {}


def quantized_as_it_runs(*, integers: int, floats: int) -> onnx.ModelProto:
    """A chain of matmuls: `integers` of them have int8 weights, and `floats` of them quantize theirs in every run."""
    nodes, weights, value = [], {}, "x"
    for index in range(integers + floats):
        nodes.append(node("DynamicQuantizeLinear", value, f"v{index} vs{index} vz{index}"))
        if index < integers:
            weights[f"w{index}"] = matrix(index).astype(np.int8)
        else:
            weights[f"f{index}"] = matrix(index)
            nodes.append(node("DynamicQuantizeLinear", f"f{index}", f"w{index} ws{index} wz{index}"))
        nodes.append(node("MatMulInteger", f"v{index} w{index}", f"i{index}"))
        nodes.append(node("Cast", f"i{index}", f"y{index}", to=TensorProto.FLOAT))
        value = f"y{index}"
    return tiny_onnx([*nodes, node("Identity", value, "y")], weights)


def test_files_that_claim_int8(examine: Examine) -> None:
    result = examine(quantized_as_it_runs(integers=1, floats=2))["claims-int8"]
    assert "1 of 3 matmuls have quantized weights: 2 have weights in floating point, 0 multiply" in result.what
    assert "2 matmuls quantize theirs" in result.costs
    assert result.repairable
    assert "claims-int8" not in examine(quantized_as_it_runs(integers=3, floats=0))


def test_names_and_files_beside_the_model_are_claims(examine: Examine, tmp_path: Path) -> None:
    floats = two_matmuls(matrix(0), matrix(1))
    assert set(examine(floats, "model_quantized.onnx")) == {"claims-int8"}
    assert set(examine(floats, "albert-int8.onnx")) == {"claims-int8"}
    assert examine(floats, "albert.onnx") == {}
    assert set(examine(two_matmuls(matrix(0), matrix(1), producer="onnx.quantize"))) == {"claims-int8"}
    (tmp_path / "ort_config.json").write_text('{"quantization": {}}')
    assert examine(floats) == {}
    (tmp_path / "ort_config.json").write_text('{"quantization": {"weights_dtype": "QInt8"}}')
    assert "ort_config.json beside it" in examine(floats)["claims-int8"].what
    (tmp_path / "ort_config.json").write_text("[not json")
    assert examine(floats) == {}


def test_unread_and_replaceable_weights(examine: Examine) -> None:
    model = tiny_onnx([node("MatMul", "x weight", "y")], {"weight": matrix(0), "left": matrix(1)})
    assert examine(model)["unread-weights"].where == ("left",)
    model.graph.input.append(helper.make_tensor_value_info("weight", TensorProto.FLOAT, [SIZE, SIZE]))
    assert set(examine(model)) == {"unread-weights", "replaceable-weights"}


def test_foreign_operators(examine: Examine) -> None:
    fused = node("FusedMatMul", "x weight", "y", domain="com.microsoft")
    result = examine(tiny_onnx([fused], {"weight": matrix(0)}, domains=["com.microsoft"]))["foreign-operators"]
    assert not result.is_error
    assert result.where == ("com.microsoft.FusedMatMul: 1",)
    assert "from 1.9 on" in result.costs
    blocks = node("MatMulNBits", "x weight", "y", domain="com.microsoft")
    model = tiny_onnx([blocks], {"weight": np.ones((SIZE, 32), np.uint8)}, domains=["com.microsoft"])
    assert "from 1.17 on" in examine(model)["foreign-operators"].costs
    own = node("Magic", "x weight", "y", domain="my.company")
    assert examine(tiny_onnx([own], {"weight": matrix(0)}))["foreign-operators"].is_error


@pytest.mark.parametrize(
    ("axes", "is_error", "text"),
    [
        ([1, 5], True, "texts of exactly 5 tokens, 1 at a time"),
        (["batch_size", 384], False, "texts of exactly 384 tokens, any number at a time"),
        ([1, "sequence_length"], False, "texts of any length, 1 at a time"),
    ],
)
def test_frozen_shapes(examine: Examine, axes: list[int | str], is_error: bool, text: str) -> None:
    found = examine(reader_of_tokens(inputs=dict.fromkeys(TOKENS, (TensorProto.INT64, axes))))
    assert set(found) == {"frozen-shapes"}
    assert found["frozen-shapes"].is_error == is_error
    assert text in found["frozen-shapes"].what


def test_missing_inputs(examine: Examine) -> None:
    alone = {name: TOKENS[name] for name in ("input_ids", "attention_mask")}
    model = reader_of_tokens(inputs=alone)
    assert not examine(model)["missing-token-type-ids"].is_error
    model.graph.initializer.append(numpy_helper.from_array(matrix(9, rows=2), "embeddings.token_type_embeddings"))
    assert examine(model)["missing-token-type-ids"].where == ("embeddings.token_type_embeddings",)
    unmasked = {name: TOKENS[name] for name in ("input_ids", "token_type_ids")}
    assert set(examine(reader_of_tokens(inputs=unmasked))) == {"missing-attention-mask"}


def test_inputs_that_nothing_reads(examine: Examine) -> None:
    inputs = {**FLOATS, "unused_mask": (TensorProto.INT64, ["batch_size"])}
    assert examine(tiny_onnx([node("MatMul", "x w", "y")], {"w": matrix(0)}, inputs=inputs))["unread-inputs"].where == (
        "unused_mask",
    )


@pytest.mark.parametrize("mask", [-3.4028234663852886e38, -np.inf, -65505.0 * 2])
def test_masks_beyond_float16(examine: Examine, mask: float) -> None:
    found = examine(reader_of_tokens(mask=mask))
    assert set(found) == {"mask-overflows-float16"}
    assert not found["mask-overflows-float16"].is_error
    assert "all answers are lost" in found["mask-overflows-float16"].costs  # it is multiplied
    assert not found["mask-overflows-float16"].repairable


def test_masks_in_other_forms(examine: Examine) -> None:
    filled = node("ConstantOfShape", "shape", "mask", value=numpy_helper.from_array(np.float32([-np.inf])))
    nodes = [node("Shape", "x", "shape"), filled, node("Add", "x mask", "y")]
    assert "a row of nothing but padding" in examine(tiny_onnx(nodes, {}))["mask-overflows-float16"].costs
    nodes = [node("Constant", "", "lowest", value_float=-1e38), node("Add", "x lowest", "y")]
    assert set(examine(tiny_onnx(nodes, {}))) == {"mask-overflows-float16"}
    nodes = [node("Constant", "", "lowest", value_float=-65504.0), node("Add", "x lowest", "y")]
    assert examine(tiny_onnx(nodes, {})) == {}


def test_epsilons_that_vanish(examine: Examine) -> None:
    found = examine(reader_of_tokens(epsilon=1e-12))
    assert set(found) == {"epsilon-vanishes-in-float16"}
    assert found["epsilon-vanishes-in-float16"].where == ("norm",)
    assert examine(reader_of_tokens(epsilon=1e-7)) == {}
    in_parts = [node("Add", "x epsilon", "a", name="add"), node("Sqrt", "a", "y")]
    assert examine(tiny_onnx(in_parts, {"epsilon": np.float32(1e-12)}))["epsilon-vanishes-in-float16"].where == ("add",)
    assert examine(tiny_onnx([node("Add", "x epsilon", "y")], {"epsilon": np.float32(1e-12)})) == {}


def test_in_a_half_precision_file_they_are_errors(examine: Examine) -> None:
    nodes = [
        node("Cast", "x", "half", to=TensorProto.FLOAT16),
        node("LayerNormalization", "half scale", "normal", epsilon=1e-12),
        node("Add", "normal lowest", "y"),
    ]
    weights = {"scale": np.ones(SIZE, np.float16), "lowest": np.float16(-np.inf)}
    found = examine(tiny_onnx(nodes, weights))
    assert found["mask-overflows-float16"].is_error
    assert found["epsilon-vanishes-in-float16"].is_error


def test_opsets(examine: Examine) -> None:
    matmul = [node("MatMul", "x w", "y")]
    assert set(examine(tiny_onnx(matmul, {"w": matrix(0)}, opset=11))) == {"old-opset"}
    assert set(examine(tiny_onnx(matmul, {"w": matrix(0)}, opset=24))) == {"new-opset"}


def test_weights_in_other_files(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    model = two_matmuls(matrix(0), matrix(1))
    onnx.save(model, str(file), save_as_external_data=True, location="weights.bin", size_threshold=0)
    diagnosis = diagnose_onnx(file)
    assert [result.name for result in diagnosis.results] == ["several-files"]
    assert diagnosis.file_bytes == file.stat().st_size + (tmp_path / "weights.bin").stat().st_size
    assert diagnosis.results[0].repairable
    (tmp_path / "weights.bin").write_bytes(b"short")
    with pytest.raises(UnsupportedError, match="damaged or cut short"):
        diagnose_onnx(file)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(UnsupportedError, match=r"not beside it(.|\n)*weights.bin"):
        diagnose_onnx(file)


def test_bodies_are_examined_too(examine: Examine) -> None:
    def branch(name: str) -> onnx.GraphProto:
        nodes = [node("Identity", f"{name}_w", f"{name}_seen"), node("MatMul", f"x {name}_seen", f"{name}_y")]
        output = helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)
        return helper.make_graph(nodes, name, [], [output], [numpy_helper.from_array(matrix(0), f"{name}_w")])

    choice = node("If", "condition", "y", then_branch=branch("then"), else_branch=branch("else"))
    found = examine(tiny_onnx([choice], {"condition": np.array(True)}))
    assert set(found) == {"duplicated-weights", "hidden-weights"}
    assert not found["duplicated-weights"].repairable  # neither branch can read the weight of the other
    assert "export the checkpoint again" in found["duplicated-weights"].remedy
    assert "2 of 2" in found["hidden-weights"].what


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't read"):
        diagnose_onnx(tmp_path / "nowhere.onnx")


def test_unread_copies_are_no_copies(examine: Examine) -> None:
    model = tiny_onnx([node("MatMul", "x weight", "y")], {"weight": matrix(0), "left": matrix(0)})
    assert set(examine(model)) == {"unread-weights"}
