"""Every form of a matrix computes what it says: by hand, against numpy, in ONNX Runtime and in ONNX's own evaluator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from albert_converters.onnx.quantization.quantize import Rounded, needed_onnxruntime, products, quantize, tables
from albert_converters.onnx.quantization.weight_quantizers import int4_blocks, int8_steps
from albert_runtime.errors import ConversionError
from tests.conftest import CheckpointOf

Arrays = dict[str, np.ndarray]

WORDS, WIDTH, HIDDEN, OUT = 50, 8, 12, 5
PLAIN_FORMS = ("int8-tensor", "int8", "int8-static", "fp16")
BLOCK_FORMS = ("int8-block", "int4-block")
FORMS_OF_WEIGHTS = ("int8", "uint8")


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def make_model(
    nodes: list[onnx.NodeProto], weights: Arrays, inputs: dict[str, int], outputs: dict[str, int], *, opset: int = 18
) -> onnx.ModelProto:
    """Inputs and outputs by name and rank: ids are int64, the others float."""

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
    helper.set_model_props(model, {"task": "products"})
    return model


def product(matrix: np.ndarray, *, opset: int = 18) -> onnx.ModelProto:
    return make_model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": matrix}, {"x": 2}, {"y": 2}, opset=opset)


def passes(*, opset: int = 18) -> onnx.ModelProto:
    """Two passes of a layer with three products of one input and a bias, as in ALBERT."""
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
    """A word table that is the decoder's matrix too, and a position table that is not."""
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
    """What ONNX's own evaluator says, which fuses nothing."""
    outputs = ReferenceEvaluator(model).run(None, inputs)
    return outputs[0] if len(outputs) == 1 else outputs


def loaded_operators(model: onnx.ModelProto, folder: Path) -> list[str]:
    """The operators that ONNX Runtime computes, after it has fused some."""
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
    """x as DynamicQuantizeLinear tells it, by the specification."""
    least, largest = min(x.min(), np.float32(0)), max(x.max(), np.float32(0))
    scale = (largest - least) / np.float32(255)
    zero_point = np.clip(np.rint(-least / scale), 0, 255)
    steps = np.clip(np.rint(x / scale) + zero_point, 0, 255) - zero_point
    return (steps * scale).astype(np.float32)


# --- what can be quantized ------------------------------------------------------------------------------------------


def test_products_and_tables() -> None:
    assert products(passes()) == ["query", "key", "value"]
    assert tables(passes()) == []
    assert products(tied()) == ["words"]
    assert tables(tied()) == ["words", "places"]


def test_what_is_neither() -> None:
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
    assert products(model) == tables(model) == []


def test_a_matrix_that_a_branch_uses_too() -> None:
    inner = helper.make_graph(
        [helper.make_node("MatMul", ["y", "w"], ["z"])],
        "inner",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )
    model = product(np.eye(4, dtype=np.float32))
    model.graph.node.append(helper.make_node("If", ["yes"], ["result"], then_branch=inner, else_branch=inner))
    assert products(model) == []


def test_needed_onnxruntime() -> None:
    assert needed_onnxruntime({}, 18) is None
    assert needed_onnxruntime({"a": "int8", "b": "int8-rows"}, 18) is None
    assert needed_onnxruntime({"a": "int8", "b": "int4-block"}, 18) == "1.17"
    assert needed_onnxruntime({"a": "int4-block", "b": "int8-block"}, 18) == "1.23"
    assert needed_onnxruntime({}, 21) == "1.18"
    assert needed_onnxruntime({"a": "int4-block"}, 22) == "1.21"
    assert needed_onnxruntime({"a": "int8-block"}, 20) == "1.23"


# --- int8 with activations as they come -----------------------------------------------------------------------------


def test_weights_by_hand() -> None:
    matrix = np.float32([[-10, 1], [-3, 0], [5, 0], [2, -1]])
    written = constants(quantize(product(matrix), {"w": "int8"}))
    assert written.keys() == {"w_quantized", "w_scale"}
    assert written["w_quantized"].dtype == np.int8
    assert written["w_quantized"].T.tolist() == [[-127, -38, 64, 25], [127, 0, 0, -127]]
    assert written["w_scale"].tolist() == [np.float32(10) / np.float32(127), np.float32(1) / np.float32(127)]
    written = constants(quantize(product(matrix), {"w": "int8"}, weight_type="uint8"))
    assert written["w_quantized"].dtype == np.uint8
    assert written["w_quantized"].T.tolist() == [[1, 90, 192, 153], [255, 128, 128, 1]]
    assert written["w_zero_point"] == 128
    written = constants(quantize(product(np.float32([[-10], [-3], [4], [2]])), {"w": "int8"}, reduce_range=True))
    assert written["w_quantized"].T.tolist() == [[-63, -19, 25, 13]]
    written = constants(quantize(product(matrix), {"w": "int8-tensor"}))
    assert written["w_quantized"].T.tolist() == [[-127, -38, 64, 25], [13, 0, 0, -13]]
    assert written["w_scale"].shape == ()


@pytest.mark.parametrize("reduce_range", [False, True])
@pytest.mark.parametrize("weight_type", FORMS_OF_WEIGHTS)
@pytest.mark.parametrize("form", ["int8", "int8-tensor"])
def test_against_numpy(form: str, weight_type: str, reduce_range: bool) -> None:
    matrix, x = random(HIDDEN, OUT) * np.float32([0.01, 1, 1, 5, 100]), random(7, HIDDEN, seed=1)
    model = quantize(product(matrix), {"w": form}, weight_type=weight_type, reduce_range=reduce_range)
    onnx.checker.check_model(model, full_check=True)
    axis = 0 if form == "int8" else None
    steps, scales = int8_steps(matrix, axis=axis, levels=63 if reduce_range else 127)
    expected = dynamic_activations(x) @ (steps * scales)
    for engine in (run_plainly, run):
        if engine is run and weight_type == "int8" and not reduce_range:
            continue  # what x86 processors without VNNI make of it is another test's matter
        np.testing.assert_allclose(engine(model, x=x), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("options", [{"weight_type": "uint8"}, {"reduce_range": True}])
def test_sums_that_pass_16_bits(options: dict[str, Any]) -> None:
    """Large activations meet large weights: x86 processors without VNNI add pairs of uint8 by int8 up in 16 bits."""
    matrix = np.where(np.arange(64)[:, None] % 4 < 2, 1, -1).repeat(32, axis=1).astype(np.float32)
    x = np.where(np.arange(64) % 4 < 2, 1.0, 0.9).astype(np.float32)[None].repeat(4, axis=0)
    model = quantize(product(matrix), {"w": "int8"}, **options)
    np.testing.assert_allclose(run(model, x=x), dynamic_activations(x) @ matrix, rtol=1e-3)


def test_onnxruntime_fuses(tmp_path: Path) -> None:
    model = quantize(passes(), dict.fromkeys(products(passes()), "int8"))
    assert operators(model, "DynamicQuantizeLinear") == 2  # one for the three products of each pass
    found = loaded_operators(model, tmp_path)
    assert found.count("MatMulIntegerToFloat") + found.count("DynamicQuantizeMatMul") == 6
    assert "MatMulInteger" not in found
    assert "Cast" not in found


@pytest.mark.parametrize("form", [*PLAIN_FORMS, *BLOCK_FORMS])
def test_a_shared_matrix_stands_once(form: str) -> None:
    ranges = dict.fromkeys(("x", "middle"), (-40.0, 40.0))
    model = quantize(passes(), dict.fromkeys(products(passes()), form), ranges=ranges)
    sizes = [array.size for array in constants(model).values() if array.size >= HIDDEN * HIDDEN / 2]
    assert len(sizes) == 3
    assert not {"query", "key", "value"} & constants(model).keys()
    x = random(2, 3, HIDDEN, seed=9)
    expected, got = run(passes(), x=x), run(model, x=x)
    assert got.shape == expected.shape
    assert np.corrcoef(got.ravel(), expected.ravel())[0, 1] > (0.8 if form == "int4-block" else 0.99)


# --- int8 with calibrated activations -------------------------------------------------------------------------------


def test_static_by_hand() -> None:
    matrix = np.float32([[-10], [-3], [5], [2]])
    model = quantize(product(matrix, opset=21), {"w": "int8-static"}, ranges={"x": (-1.0, 4.1)})
    written = constants(model)
    assert written["x_scale"] == np.float32(0.02)
    assert written["x_zero_point"] == 50
    assert written["w_quantized"].T.tolist() == [[-127, -38, 64, 25]]
    # 1.0 is 50 steps, and 9 is cut off at 4.1, which is 205 steps
    got = run_plainly(model, x=np.float32([[1, 0, 0, 0], [0, 0, 9, 0]]))
    np.testing.assert_allclose(got, [[-10.0], [4.1 * 64 * 10 / 127]], rtol=1e-5)


def test_static_range_of_one_sign() -> None:
    """0 is always a step, so that padding stays exact; a value that is always 0 has no range at all."""
    for limits, scale, zero_point in (((1.0, 5.1), 0.02, 0), ((-5.1, -1.0), 0.02, 255), ((0.0, 0.0), 1e-30, 0)):
        written = constants(quantize(product(random(4, 2)), {"w": "int8-static"}, ranges={"x": limits}))
        assert written["x_scale"] == np.float32(scale)
        assert written["x_zero_point"] == zero_point


@pytest.mark.parametrize("weight_type", FORMS_OF_WEIGHTS)
def test_static_passes(weight_type: str, tmp_path: Path) -> None:
    """Each pass has its range, and the weights stand once; ONNX Runtime makes one integer product of each."""
    ranges = {"x": (-4.0, 4.0), "middle": (-60.0, 60.0)}
    forms = dict.fromkeys(products(passes()), "int8-static")
    model = quantize(passes(opset=21), forms, ranges=ranges, weight_type=weight_type, reduce_range=True)
    onnx.checker.check_model(model, full_check=True)
    assert operators(model, "QuantizeLinear") == 2
    assert constants(model)["x_scale"] < constants(model)["middle_scale"]
    found = loaded_operators(model, tmp_path)
    assert found.count("MatMulIntegerToFloat") == 6
    assert "MatMul" not in found
    x = random(2, 3, HIDDEN, seed=9)
    np.testing.assert_allclose(run(model, x=x), run_plainly(model, x=x), rtol=1e-3, atol=1e-2)


# --- blocks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [32, 64, 128])
@pytest.mark.parametrize("inner", [128, 100, 24])
def test_int4_block(inner: int, block_size: int) -> None:
    matrix, x = random(inner, 16), random(5, inner, seed=1)
    model = quantize(product(matrix), {"w": "int4-block"}, block_size=block_size)
    written = constants(model)
    blocks = -(-inner // block_size)
    assert written["w_quantized"].shape == (16, blocks, block_size // 2)
    steps, scales = int4_blocks(matrix, block_size)
    expected = x @ (steps * scales.repeat(block_size, axis=1)[:, :inner]).T
    assert np.abs(run(model, x=x) - expected).max() < 0.02 * np.abs(expected).max()
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 18, "com.microsoft": 1}
    onnx.checker.check_model(model)


@pytest.mark.parametrize("inner", [256, 100])
def test_int8_block(inner: int) -> None:
    matrix, x = random(inner, 16), random(5, inner, seed=1)
    model = quantize(product(matrix), {"w": "int8-block"}, block_size=32)
    assert constants(model)["w_quantized"].shape == (16, -(-inner // 128), 128)
    expected = x @ matrix
    assert np.abs(run(model, x=x) - expected).max() < 0.02 * np.abs(expected).max()
    (node,) = model.graph.node
    found = {attribute.name: attribute.i for attribute in node.attribute}
    assert found == {"K": inner, "N": 16, "bits": 8, "block_size": 128, "accuracy_level": 4}


def test_rounded_weights_are_taken_as_they_are() -> None:
    steps = np.random.default_rng(0).integers(-8, 8, (16, 40)).astype(np.int8)
    scales = np.random.default_rng(1).uniform(0.5, 2, (16, 2)).astype(np.float32)
    model = quantize(product(random(40, 16)), {"w": "int4-block"}, rounded={"w": Rounded(steps, scales)}, block_size=32)
    # each input is 1 in turn, which 8 bits of activation hold exactly
    np.testing.assert_allclose(
        run(model, x=np.eye(40, dtype=np.float32)),
        (steps * scales.repeat(32, axis=1)[:, :40]).T,
        rtol=1e-5,
        atol=1e-6,
    )


# --- tables ---------------------------------------------------------------------------------------------------------


def test_rows_by_hand() -> None:
    nodes = [helper.make_node("Gather", ["table", "ids"], ["y"])]
    table = np.float32([[0, 0, 0, 0], [-10, -3, 5, 2]])
    model = quantize(make_model(nodes, {"table": table}, {"ids": 2}, {"y": 3}), {"table": "int8-rows"})
    onnx.checker.check_model(model, full_check=True)
    written = constants(model)
    assert written["table_quantized"].tolist() == [[0, 0, 0, 0], [-127, -38, 64, 25]]
    for engine in (run, run_plainly):
        got = engine(model, ids=np.int64([[1, 0, 1]]))
        np.testing.assert_allclose(got[0, 0], np.float32([-127, -38, 64, 25]) * 10 / 127, rtol=1e-6)
        assert got.shape == (1, 3, 4)
        assert not got[0, 1].any()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("weight_type", FORMS_OF_WEIGHTS)
def test_a_tied_table(weight_type: str, bias: bool) -> None:
    """The same integers are looked up and multiplied by, and stand in the file once."""
    source = tied(bias=bias)
    model = quantize(source, {"words": "int8-rows", "places": "int8-rows"}, weight_type=weight_type, reduce_range=True)
    onnx.checker.check_model(model, full_check=True)
    written = constants(model)
    assert [name for name, array in written.items() if array.size == WORDS * WIDTH] == [
        "words_quantized",
        "places_quantized",
    ]
    assert written["words_quantized"].dtype == weight_type
    assert written["places_quantized"].dtype == np.int8  # no product limits it
    assert np.abs(written["places_quantized"]).max() == 127

    steps, scales = int8_steps(constants(source)["words"], axis=1, levels=63)
    words = steps * scales
    ids = np.int64([[3, 49, 0], [7, 7, 1]])
    for engine in (run, run_plainly):
        embedded, total, logits = engine(model, ids=ids)
        np.testing.assert_allclose(embedded, words[ids], rtol=1e-5, atol=1e-7)
        expected = dynamic_activations(total.reshape(-1, WIDTH)) @ words.T + (constants(source)["bias"] if bias else 0)
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("form", ["fp16-rows"])
def test_tied_halves(form: str) -> None:
    model = quantize(tied(), {"words": form, "places": form})
    onnx.checker.check_model(model, full_check=True)
    written = constants(model)
    assert {written["words_half"].dtype, written["places_half"].dtype} == {np.dtype(np.float16)}
    assert sum(array.size == WORDS * WIDTH for array in written.values()) == 2
    ids = np.int64([[3, 49]])
    for got, expected in zip(run(model, ids=ids), run(tied(), ids=ids), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-2, atol=1e-2)
    assert (run(model, ids=ids)[0] == written["words_half"][ids].astype(np.float32)).all()


def test_half_a_matrix() -> None:
    matrix, x = random(HIDDEN, OUT), random(3, HIDDEN, seed=1)
    model = quantize(product(matrix), {"w": "fp16"})
    for engine in (run, run_plainly):
        np.testing.assert_allclose(engine(model, x=x), x @ matrix.astype(np.float16).astype(np.float32), rtol=1e-5)


# --- the whole graph ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [0.0, 1e-35])
@pytest.mark.parametrize("form", [*PLAIN_FORMS, *BLOCK_FORMS])
def test_channels_of_nothing(form: str, nothing: float) -> None:
    matrix, x = random(64, 16), random(4, 64, seed=1)
    matrix[:, 3] = nothing
    for weights, dead in ((matrix, [3]), (np.full_like(matrix, nothing), list(range(16)))):
        got = run(quantize(product(weights), {"w": form}, ranges={"x": (-4.0, 4.0)}), x=x)
        assert np.isfinite(got).all()
        assert np.abs(got[:, dead]).max() < 1e-30


@pytest.mark.parametrize("opset", [13, 17, 21, 23])
def test_opsets(opset: int) -> None:
    ranges = dict.fromkeys(("x", "middle"), (-40.0, 40.0))
    forms = {"query": "int8", "key": "int8-static", "value": "fp16"}
    for source, model, inputs in (
        (passes(opset=opset), quantize(passes(opset=opset), forms, ranges=ranges), {"x": random(1, 2, HIDDEN)}),
        (
            tied(opset=opset),
            quantize(tied(opset=opset), {"words": "int8-rows", "places": "fp16-rows"}),
            {"ids": np.int64([[1, 2]])},
        ),
    ):
        onnx.checker.check_model(model, full_check=True)
        assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
        assert model.ir_version == source.ir_version
        assert {entry.key: entry.value for entry in model.metadata_props} == {"task": "products"}
        assert model.graph.input == source.graph.input
        assert model.graph.output == source.graph.output
        for got in run(model, **inputs):
            assert np.isfinite(got).all()


def test_equal_bytes_and_an_unchanged_source() -> None:
    source = passes()
    before = source.SerializeToString(deterministic=True)
    forms = {"query": "int8", "key": "int4-block", "value": "int8"}
    first, second = (quantize(source, forms).SerializeToString() for _ in range(2))
    assert first == second
    assert source.SerializeToString(deterministic=True) == before
    assert quantize(source, {}).SerializeToString(deterministic=True) == before


def test_all_problems_at_once() -> None:
    model = passes()
    model.graph.initializer[2].CopyFrom(numpy_helper.from_array(np.full((HIDDEN, HIDDEN), 1e5, np.float32), "value"))
    forms = {"query": "int8-static", "key": "int4-block", "value": "fp16", "bias": "int8", "nowhere": "int8"}
    wrong = Rounded(np.full((2, 2), 8, np.int8), np.ones((2, 1), np.float32))
    with pytest.raises(ConversionError) as caught:
        quantize(
            model, forms, weight_type="int16", block_size=48, ranges={"middle": (-1.0, 1.0)}, rounded={"key": wrong}
        )
    for part in (
        "weight type 'int16' is not one of int8, uint8",
        "block size 48 is not one of 32, 64, 128",
        "query is int8-static, and x has no range",
        "key was rounded to steps (2, 2) from 8 to 8, scales (2, 1); steps (12, 12) from -8 to 7, scales (12, 1)",
        "value can't be 'fp16'; it holds values beyond 65504",
        "bias is no float32 matrix of a product",
        "nowhere is no float32 matrix of a product",
    ):
        assert part in str(caught.value)
    with pytest.raises(ConversionError, match="x has no range"):
        quantize(product(random(4, 2)), {"w": "int8-static"}, ranges={"x": (-1.0, np.nan)})
    with pytest.raises(ConversionError, match="words can't be 'int8'; it can be int8-rows, fp16-rows"):
        quantize(tied(), {"words": "int8"})


@pytest.mark.parametrize("task", ["fill-mask", "question-answering"])
def test_a_tiny_albert(task: str, checkpoint_of: CheckpointOf) -> None:
    from albert_converters.onnx.export.torch_export import to_onnx
    from albert_export import read_checkpoint
    from albert_export.reference.registry import build_reference
    from albert_runtime.tasks import TASKS

    reference = build_reference(read_checkpoint(checkpoint_of(task)), task, framework="torch")
    source = to_onnx(reference, TASKS[task], max_length=48)
    rows = tables(source)
    assert [name.rsplit(".", 2)[1] for name in rows] == [
        "word_embeddings",
        "token_type_embeddings",
        "position_embeddings",
    ]
    assert len([name for name in products(source) if "albert_layers" in name]) == 6
    forms = {**dict.fromkeys(products(source), "int8"), **dict.fromkeys(rows, "int8-rows")}
    model = quantize(source, forms, reduce_range=True)
    onnx.checker.check_model(model, full_check=True)
    assert model.ByteSize() < 0.55 * source.ByteSize()  # a fill-mask's bias and the tiny tables' scales count here
    inputs = {
        "input_ids": np.random.default_rng(0).integers(5, 30000, (2, 16)),
        "attention_mask": np.ones((2, 16), np.int64),
        "token_type_ids": np.zeros((2, 16), np.int64),
    }
    expected, got = (np.concatenate([np.ravel(one) for one in run(graph, **inputs)]) for graph in (source, model))
    assert np.corrcoef(got, expected)[0, 1] > 0.99
