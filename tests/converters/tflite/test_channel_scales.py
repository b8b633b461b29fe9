"""Output channels whose scales must be corrected: zeros, tiny weights, large biases, sparse 4-bit rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.quantize import quantize
from albert_runtime.errors import ConversionError
from tests.tiny_graph import run_tflite
from tests.tiny_tflite import TinyModel

SIZE = 64
RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(SIZE, SIZE)).astype(np.float32)
INT4_VALUES = RANDOM.integers(-7, 8, (SIZE, SIZE))
BIAS = RANDOM.normal(size=SIZE).astype(np.float32)
SAMPLES = [{"x": RANDOM.normal(size=(4, SIZE)).astype(np.float32)} for _ in range(8)]
X = SAMPLES[0]["x"]
#: the channel that differs from the others
ODD = 1


def one_layer(weights: np.ndarray, bias: np.ndarray = BIAS) -> bytes:
    """Return a model of one FULLY_CONNECTED: x [batch, n] -> y = x @ weights.T + bias."""
    tiny = TinyModel()
    graph = tiny.graph()
    x, y = graph.input("x", [-1, weights.shape[1]]), graph.tensor("y", [-1, weights.shape[0]])
    constants = [graph.constant("weights", weights), graph.constant("bias", bias)]
    graph.operator("FULLY_CONNECTED", [x, *constants], [y], schema.FullyConnectedOptionsT(), version=3)
    graph.outputs(y)
    tiny.sign({"x": x}, {"y": y})
    return tflite_model.dumps(tiny.model)


def with_odd_channel(weights: np.ndarray, row: np.ndarray | float) -> np.ndarray:
    changed = weights.astype(np.float32)
    changed[ODD] = row
    return changed


def scales_in(content: bytes) -> np.ndarray:
    [matrix] = [tensor for tensor in tflite_model.tensors(tflite_model.loads(content)) if tensor.name == b"weights"]
    return np.asarray(matrix.quantization.scale)


@pytest.mark.parametrize("precision", ["int8", "int4", "int8-static"])
def test_a_channel_of_zeros_gives_its_bias(precision: str) -> None:
    """In int8-static, the bias of such a channel would not fit in int32 with the quantizer's scale."""
    weights = with_odd_channel(INT4_VALUES * np.float32(0.1), 0.0)
    content = quantize(one_layer(weights), precision, calibration=SAMPLES)
    assert scales_in(content).min() > 1e-3  # XNNPACK refuses scales that are almost 0
    y = run_tflite(content, x=X)["y"]
    expected = X @ weights.T + BIAS
    output_scale = np.ptp(expected) / 255 if precision == "int8-static" else 0.0
    assert np.abs(y[:, ODD] - BIAS[ODD]).max() <= output_scale
    # inputs have 8 bits: each of 64 has a rounding error of random sign
    assert np.abs(y - expected).max() < 0.02 * np.abs(expected).max()


def test_a_matrix_of_zeros() -> None:
    content = quantize(one_layer(np.zeros_like(WEIGHTS)), "int8")
    np.testing.assert_array_equal(run_tflite(content, x=X)["y"], np.broadcast_to(BIAS, X.shape))


@pytest.mark.parametrize("size", [1e-6, 1e-8, 1e-11, 1e-35])
@pytest.mark.parametrize("precision", ["int8", "int4", "int8-static"])
def test_tiny_weights_stay_tiny(precision: str, size: float) -> None:
    """Weights that decayed in training are not zeros: they keep their own small scale."""
    weights = INT4_VALUES * np.float32(0.1)
    weights = with_odd_channel(weights, weights[ODD] * np.float32(size))
    y = run_tflite(quantize(one_layer(weights), precision, calibration=SAMPLES), x=X)["y"]
    expected = X @ weights.T + BIAS
    if precision == "int8-static":
        assert np.abs(y[:, ODD] - expected[:, ODD]).max() <= np.ptp(expected) / 255
    else:
        np.testing.assert_allclose(y[:, ODD], expected[:, ODD], rtol=1e-5)


@pytest.mark.parametrize("row", [[7, 3], [7, -4], [7, 5, 2], [6], [6, 5], [-1], [7, 1]])
def test_int4_rows_with_few_different_values(row: list[int]) -> None:
    """The scale need not be the difference of two weights, nor a seventh of the largest."""
    values = with_odd_channel(INT4_VALUES, np.pad(row, (0, SIZE - len(row))))
    content = quantize(one_layer(values * np.float32(0.1)), "int4")
    # in int8 the same values are exact too, and inputs are quantized alike, so only float32 rounding differs
    exact = quantize(one_layer(np.round(values * np.float32(0.1), 6)), "int8")
    expected = X @ (values * 0.1).T + BIAS
    y = run_tflite(content, x=X)["y"]
    assert np.abs(y - expected).max() < 0.01 * np.abs(expected).max()
    inputs_only = np.abs(run_tflite(exact, x=X)["y"][:, ODD] - expected[:, ODD]).max()
    assert np.abs(y[:, ODD] - expected[:, ODD]).max() < 1.5 * inputs_only + 1e-3


def test_an_odd_number_of_4_bit_weights() -> None:
    values = RANDOM.integers(-7, 8, (5, 33)).astype(np.float32)
    x = RANDOM.normal(size=(3, 33)).astype(np.float32)
    y = run_tflite(quantize(one_layer(values * np.float32(0.1), BIAS[:5]), "int4"), x=x)["y"]
    expected = x @ (values * 0.1).T + BIAS[:5]
    assert np.abs(y - expected).max() < 0.02 * np.abs(expected).max()


def test_int4_weights_must_be_multiples_of_a_scale() -> None:
    with pytest.raises(ConversionError, match="64 of 64 channels are not"):
        quantize(one_layer(WEIGHTS), "int4")


def test_layers_that_share_a_matrix_and_a_bias() -> None:
    """In an unrolled graph each pass has its own ranges, and the scale of a channel must fit all of them."""
    weights = with_odd_channel(0.4 * WEIGHTS, 0.0)
    tiny = TinyModel()
    graph = tiny.graph()
    constants = [graph.constant("weights", weights), graph.constant("bias", BIAS)]
    passes = [graph.input("x", [-1, SIZE]), graph.tensor("middle", [-1, SIZE]), graph.tensor("y", [-1, SIZE])]
    for source, target in pairwise(passes):
        graph.operator("FULLY_CONNECTED", [source, *constants], [target], schema.FullyConnectedOptionsT(), version=3)
    graph.outputs(passes[-1])
    tiny.sign({"x": passes[0]}, {"y": passes[-1]})
    content = quantize(tflite_model.dumps(tiny.model), "int8-static", calibration=SAMPLES)

    model = tflite_model.loads(content)
    assert sum(tflite_model.content(buffer).size == weights.size for buffer in model.buffers) == 1
    expected = (X @ weights.T + BIAS) @ weights.T + BIAS
    y = run_tflite(content, x=X)["y"]
    assert np.abs(y[:, ODD] - BIAS[ODD]).max() <= np.ptp(expected) / 255
    assert np.abs(y - expected).max() < 0.05 * np.abs(expected).max()
