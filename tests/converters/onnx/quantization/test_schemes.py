"""Every scheme computes what it says: by hand, against numpy, in ONNX Runtime and in ONNX's own evaluator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from albert_converters.onnx.quantization.quantize import MATMUL_SCHEMES, Int4Weights, matmul_weights, quantize
from albert_converters.onnx.quantization.weight_quantizers import quantize_int4, quantize_int8
from tests.converters.onnx.quantization.quantized_graphs import (
    HIDDEN,
    OUT,
    WIDTH,
    WORDS,
    constants,
    dynamic_activations,
    loaded_operators,
    make_model,
    matmul,
    operators,
    passes,
    random,
    run,
    run_plainly,
    tied,
)

# --- int8 with ranges that are found in each run ----------------------------------------------------------------------


def test_weights_by_hand() -> None:
    matrix = np.float32([[-10, 1], [-3, 0], [5, 0], [2, -1]])
    written = constants(quantize(matmul(matrix), {"w": "int8"}))
    assert written.keys() == {"w_quantized", "w_scale"}
    assert written["w_quantized"].dtype == np.int8
    assert written["w_quantized"].T.tolist() == [[-127, -38, 64, 25], [127, 0, 0, -127]]
    assert written["w_scale"].tolist() == [np.float32(10) / np.float32(127), np.float32(1) / np.float32(127)]
    written = constants(quantize(matmul(np.float32([[-10], [-3], [4], [2]])), {"w": "int8"}, reduce_range=True))
    assert written["w_quantized"].T.tolist() == [[-63, -19, 25, 13]]


@pytest.mark.parametrize("reduce_range", [False, True])
def test_against_numpy(reduce_range: bool) -> None:
    matrix, x = random(HIDDEN, OUT) * np.float32([0.01, 1, 1, 5, 100]), random(7, HIDDEN, seed=1)
    model = quantize(matmul(matrix), {"w": "int8"}, reduce_range=reduce_range)
    onnx.checker.check_model(model, full_check=True)
    values, scales = quantize_int8(matrix, axis=0, largest=63 if reduce_range else 127)
    expected = dynamic_activations(x) @ (values * scales)
    for engine in (run_plainly, run):
        if engine is run and not reduce_range:
            continue  # x86 processors without VNNI may overflow here; another test is about that
        np.testing.assert_allclose(engine(model, x=x), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_sums_beyond_16_bits() -> None:
    """Large activations meet large weights: x86 processors without VNNI add pairs of uint8 by int8 in 16 bits."""
    matrix = np.where(np.arange(64)[:, None] % 4 < 2, 1, -1).repeat(32, axis=1).astype(np.float32)
    x = np.where(np.arange(64) % 4 < 2, 1.0, 0.9).astype(np.float32)[None].repeat(4, axis=0)
    model = quantize(matmul(matrix), {"w": "int8"}, reduce_range=True)
    np.testing.assert_allclose(run(model, x=x), dynamic_activations(x) @ matrix, rtol=1e-3)


def test_onnxruntime_fuses(tmp_path: Path) -> None:
    model = quantize(passes(), dict.fromkeys(matmul_weights(passes()), "int8"))
    assert operators(model, "DynamicQuantizeLinear") == 2  # one for the three matrix multiplications of each pass
    found = loaded_operators(model, tmp_path)
    assert found.count("MatMulIntegerToFloat") + found.count("DynamicQuantizeMatMul") == 6
    assert "MatMulInteger" not in found
    assert "Cast" not in found


@pytest.mark.parametrize("scheme", MATMUL_SCHEMES)
def test_a_shared_matrix_is_stored_once(scheme: str) -> None:
    ranges = dict.fromkeys(("x", "middle"), (-40.0, 40.0))
    model = quantize(passes(), dict.fromkeys(matmul_weights(passes()), scheme), ranges=ranges)
    sizes = [array.size for array in constants(model).values() if array.size >= HIDDEN * HIDDEN / 2]
    assert len(sizes) == 3
    assert not {"query", "key", "value"} & constants(model).keys()
    x = random(2, 3, HIDDEN, seed=9)
    expected, got = run(passes(), x=x), run(model, x=x)
    assert got.shape == expected.shape
    assert np.corrcoef(got.ravel(), expected.ravel())[0, 1] > (0.8 if scheme == "int4-block" else 0.99)


# --- int8 with calibrated activations -------------------------------------------------------------------------------


def test_static_by_hand() -> None:
    matrix = np.float32([[-10], [-3], [5], [2]])
    model = quantize(matmul(matrix, opset=21), {"w": "int8-static"}, ranges={"x": (-1.0, 4.1)})
    written = constants(model)
    assert written["x_scale"] == np.float32(0.02)
    assert written["x_zero_point"] == 50
    assert written["w_quantized"].T.tolist() == [[-127, -38, 64, 25]]
    # 1.0 is 50 times the scale, and 9 is clipped to 4.1, which is 205 times the scale
    got = run_plainly(model, x=np.float32([[1, 0, 0, 0], [0, 0, 9, 0]]))
    np.testing.assert_allclose(got, [[-10.0], [4.1 * 64 * 10 / 127]], rtol=1e-5)


def test_static_range_of_one_sign() -> None:
    """0 is always represented exactly, so that padding is; a value that is always 0 has an empty range."""
    for limits, scale, zero_point in (((1.0, 5.1), 0.02, 0), ((-5.1, -1.0), 0.02, 255), ((0.0, 0.0), 1e-30, 0)):
        written = constants(quantize(matmul(random(4, 2)), {"w": "int8-static"}, ranges={"x": limits}))
        assert written["x_scale"] == np.float32(scale)
        assert written["x_zero_point"] == zero_point


def test_static_passes(tmp_path: Path) -> None:
    """Each pass has its range, the weights are stored once, and ONNX Runtime fuses each to an integer one."""
    ranges = {"x": (-4.0, 4.0), "middle": (-60.0, 60.0)}
    schemes = dict.fromkeys(matmul_weights(passes()), "int8-static")
    model = quantize(passes(opset=21), schemes, ranges=ranges, reduce_range=True)
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
    model = quantize(matmul(matrix), {"w": "int4-block"}, block_size=block_size)
    written = constants(model)
    blocks = -(-inner // block_size)
    assert written["w_quantized"].shape == (16, blocks, block_size // 2)
    values, scales = quantize_int4(matrix, block_size)
    expected = x @ (values * scales.repeat(block_size, axis=1)[:, :inner]).T
    assert np.abs(run(model, x=x) - expected).max() < 0.02 * np.abs(expected).max()
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": 18, "com.microsoft": 1}
    onnx.checker.check_model(model)


@pytest.mark.parametrize("inner", [256, 100])
def test_int8_block(inner: int) -> None:
    matrix, x = random(inner, 16), random(5, inner, seed=1)
    model = quantize(matmul(matrix), {"w": "int8-block"}, block_size=32)
    assert constants(model)["w_quantized"].shape == (16, -(-inner // 128), 128)
    expected = x @ matrix
    assert np.abs(run(model, x=x) - expected).max() < 0.02 * np.abs(expected).max()
    (node,) = model.graph.node
    found = {attribute.name: attribute.i for attribute in node.attribute}
    assert found == {"K": inner, "N": 16, "bits": 8, "block_size": 128, "accuracy_level": 4}


def test_given_int4_weights_are_used_as_they_are() -> None:
    values = np.random.default_rng(0).integers(-8, 8, (16, 40)).astype(np.int8)
    scales = np.random.default_rng(1).uniform(0.5, 2, (16, 2)).astype(np.float32)
    model = quantize(
        matmul(random(40, 16)), {"w": "int4-block"}, int4_weights={"w": Int4Weights(values, scales)}, block_size=32
    )
    # each input is 1 in turn, which 8 bits of activation hold exactly
    np.testing.assert_allclose(
        run(model, x=np.eye(40, dtype=np.float32)),
        (values * scales.repeat(32, axis=1)[:, :40]).T,
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
def test_a_tied_table(bias: bool) -> None:
    """The same integers are looked up and multiplied by, and are stored once."""
    source = tied(bias=bias)
    model = quantize(source, {"words": "int8-rows", "places": "int8-rows"}, reduce_range=True)
    onnx.checker.check_model(model, full_check=True)
    written = constants(model)
    assert [name for name, array in written.items() if array.size == WORDS * WIDTH] == [
        "words_quantized",
        "places_quantized",
    ]
    assert written["words_quantized"].dtype == np.int8
    assert np.abs(written["words_quantized"]).max() == 63
    assert written["places_quantized"].dtype == np.int8  # no matrix multiplication limits it
    assert np.abs(written["places_quantized"]).max() == 127

    values, scales = quantize_int8(constants(source)["words"], axis=1, largest=63)
    words = values * scales
    ids = np.int64([[3, 49, 0], [7, 7, 1]])
    for engine in (run, run_plainly):
        embedded, total, logits = engine(model, ids=ids)
        np.testing.assert_allclose(embedded, words[ids], rtol=1e-5, atol=1e-7)
        expected = dynamic_activations(total.reshape(-1, WIDTH)) @ words.T + (constants(source)["bias"] if bias else 0)
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


# --- float16 --------------------------------------------------------------------------------------------------------


def test_a_float16_matrix() -> None:
    matrix, x = random(HIDDEN, OUT), random(3, HIDDEN, seed=1)
    model = quantize(matmul(matrix), {"w": "fp16"})
    for engine in (run, run_plainly):
        np.testing.assert_allclose(engine(model, x=x), x @ matrix.astype(np.float16).astype(np.float32), rtol=1e-5)
