"""Quantization of whole graphs: what can be quantized, what is refused, and what stays as it was."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from albert_converters.onnx.quantization.quantize import (
    MATMUL_SCHEMES,
    TABLE_SCHEMES,
    Int4Weights,
    matmul_weights,
    needed_onnxruntime,
    quantize,
    tables,
)
from albert_converters.onnx.quantization.schemes import SCHEMES
from albert_runtime.errors import ConversionError
from tests.conftest import CheckpointOf
from tests.converters.onnx.quantization.quantized_graphs import HIDDEN, make_model, matmul, passes, random, run, tied

# --- what can be quantized ------------------------------------------------------------------------------------------


def test_weights_and_tables() -> None:
    assert matmul_weights(passes()) == ["query", "key", "value"]
    assert tables(passes()) == []
    assert matmul_weights(tied()) == ["words"]
    assert tables(tied()) == ["words", "places"]


def test_matrices_with_other_uses() -> None:
    nodes = [
        helper.make_node("MatMul", ["left", "x"], ["a"]),
        helper.make_node("Add", ["x", "added"], ["b"]),
        helper.make_node("MatMul", ["x", "added"], ["c"]),
        helper.make_node("Gather", ["columns", "ids"], ["d"], axis=1),
        helper.make_node("Gemm", ["x", "scaled"], ["e"], transB=1, alpha=2.0),
        helper.make_node("Gather", ["scaled", "ids"], ["f"]),
        helper.make_node("MatMul", ["x", "halves"], ["g"]),
    ]
    weights = {name: np.eye(4, dtype=np.float32) for name in ("left", "added", "columns", "scaled")}
    weights["halves"] = np.eye(4, dtype=np.float16)
    model = make_model(nodes, weights, {"x": 2, "ids": 1}, {"a": 2})
    assert matmul_weights(model) == tables(model) == []


def test_a_matrix_that_a_branch_uses_too() -> None:
    inner = helper.make_graph(
        [helper.make_node("MatMul", ["y", "w"], ["z"])],
        "inner",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )
    model = matmul(np.eye(4, dtype=np.float32))
    model.graph.node.append(helper.make_node("If", ["yes"], ["result"], then_branch=inner, else_branch=inner))
    assert matmul_weights(model) == []


def test_every_scheme_is_for_something() -> None:
    assert {*MATMUL_SCHEMES, *TABLE_SCHEMES} == set(SCHEMES)


def test_needed_onnxruntime() -> None:
    assert needed_onnxruntime({}, 18) is None
    assert needed_onnxruntime({"a": "int8", "b": "int8-rows"}, 18) is None
    assert needed_onnxruntime({"a": "int8", "b": "int4-block"}, 18) == "1.17"
    assert needed_onnxruntime({"a": "int4-block", "b": "int8-block"}, 18) == "1.23"
    assert needed_onnxruntime({}, 21) == "1.18"
    assert needed_onnxruntime({"a": "int4-block"}, 22) == "1.21"
    assert needed_onnxruntime({"a": "int8-block"}, 20) == "1.23"


# --- the whole graph ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zero", [0.0, 1e-35])
@pytest.mark.parametrize("scheme", MATMUL_SCHEMES)
def test_channels_of_zeros(scheme: str, zero: float) -> None:
    matrix, x = random(64, 16), random(4, 64, seed=1)
    matrix[:, 3] = zero
    for weights, dead in ((matrix, [3]), (np.full_like(matrix, zero), list(range(16)))):
        got = run(quantize(matmul(weights), {"w": scheme}, ranges={"x": (-4.0, 4.0)}), x=x)
        assert np.isfinite(got).all()
        assert np.abs(got[:, dead]).max() < 1e-30


@pytest.mark.parametrize("opset", [13, 17, 21, 23])
def test_opsets(opset: int) -> None:
    ranges = dict.fromkeys(("x", "middle"), (-40.0, 40.0))
    schemes = {"query": "int8", "key": "int8-static", "value": "fp16"}
    for source, model, inputs in (
        (passes(opset=opset), quantize(passes(opset=opset), schemes, ranges=ranges), {"x": random(1, 2, HIDDEN)}),
        (
            tied(opset=opset),
            quantize(tied(opset=opset), {"words": "int8-rows", "places": "int8-rows"}),
            {"ids": np.int64([[1, 2]])},
        ),
    ):
        onnx.checker.check_model(model, full_check=True)
        assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
        assert model.ir_version == source.ir_version
        assert {entry.key: entry.value for entry in model.metadata_props} == {"task": "none"}
        assert model.graph.input == source.graph.input
        assert model.graph.output == source.graph.output
        for got in run(model, **inputs):
            assert np.isfinite(got).all()


def test_equal_bytes_and_an_unchanged_model() -> None:
    source = passes()
    before = source.SerializeToString(deterministic=True)
    schemes = {"query": "int8", "key": "int4-block", "value": "int8"}
    first, second = (quantize(source, schemes).SerializeToString() for _ in range(2))
    assert first == second
    assert source.SerializeToString(deterministic=True) == before
    assert quantize(source, {}).SerializeToString(deterministic=True) == before


def test_all_problems_at_once() -> None:
    model = passes()
    model.graph.initializer[2].CopyFrom(numpy_helper.from_array(np.full((HIDDEN, HIDDEN), 1e5, np.float32), "value"))
    schemes = {"query": "int8-static", "key": "int4-block", "value": "fp16", "bias": "int8", "nowhere": "int8"}
    wrong = Int4Weights(np.full((2, 2), 8, np.int8), np.ones((2, 1), np.float32))
    with pytest.raises(ConversionError) as caught:
        quantize(model, schemes, block_size=48, ranges={"middle": (-1.0, 1.0)}, int4_weights={"key": wrong})
    for part in (
        "block size 48 is not one of 32, 64, 128",
        "query is int8-static, and x has no range",
        "the int4 weights for key have values (2, 2) from 8 to 8 and scales (2, 1); "
        "it needs values (12, 12) from -8 to 7 and scales (12, 1)",
        "value can't be 'fp16'; it holds values beyond 65504",
        "bias is neither the float32 weight of a matrix multiplication nor a lookup table",
        "nowhere is neither the float32 weight of a matrix multiplication nor a lookup table",
    ):
        assert part in str(caught.value)
    with pytest.raises(ConversionError, match="x has no range"):
        quantize(matmul(random(4, 2)), {"w": "int8-static"}, ranges={"x": (-1.0, np.nan)})
    with pytest.raises(ConversionError, match="words can't be 'int8'; it can be int8-rows"):
        quantize(tied(), {"words": "int8"})


@pytest.mark.parametrize("task", ["fill-mask", "question-answering"])
def test_a_tiny_albert(task: str, checkpoint_of: CheckpointOf) -> None:
    from albert_converters.onnx.export.torch_export import to_onnx
    from albert_export import read_checkpoint
    from albert_export.reference.registry import build_reference
    from albert_runtime.tasks import TASKS

    reference = build_reference(read_checkpoint(checkpoint_of(task)), task, framework="torch")
    source = to_onnx(reference, TASKS[task], max_length=48).whole()
    rows = tables(source)
    assert [name.rsplit(".", 2)[1] for name in rows] == [
        "word_embeddings",
        "token_type_embeddings",
        "position_embeddings",
    ]
    assert len([name for name in matmul_weights(source) if "albert_layers" in name]) == 6
    schemes = {**dict.fromkeys(matmul_weights(source), "int8"), **dict.fromkeys(rows, "int8-rows")}
    model = quantize(source, schemes, reduce_range=True)
    onnx.checker.check_model(model, full_check=True)
    assert model.ByteSize() < 0.55 * source.ByteSize()  # a fill-mask's bias and the tiny tables' scales count here
    inputs = {
        "input_ids": np.random.default_rng(0).integers(5, 30000, (2, 16)),
        "attention_mask": np.ones((2, 16), np.int64),
        "token_type_ids": np.zeros((2, 16), np.int64),
    }
    expected, got = (np.concatenate([np.ravel(one) for one in run(graph, **inputs)]) for graph in (source, model))
    assert np.corrcoef(got, expected)[0, 1] > 0.99
