"""Output channels that a quantizer's general rules lose: zeros, tiny weights, large biases, sparse 4-bit rows."""

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
STEPS = RANDOM.integers(-7, 8, (SIZE, SIZE))
BIAS = RANDOM.normal(size=SIZE).astype(np.float32)
SAMPLES = [{"x": RANDOM.normal(size=(4, SIZE)).astype(np.float32)} for _ in range(8)]
X = SAMPLES[0]["x"]
#: the channel that is odd
ODD = 1


def one_product(weights: np.ndarray, bias: np.ndarray = BIAS) -> bytes:
    """x [batch, n] -> y = x @ weights.T + bias."""
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
    """At int8-static, the bias of such a channel once was beyond int32, in units of its scale."""
    weights = with_odd_channel(STEPS * np.float32(0.1), 0.0)
    content = quantize(one_product(weights), precision, calibration=SAMPLES)
    assert scales_in(content).min() > 1e-3  # XNNPACK refuses what is next to nothing
    y = run_tflite(content, x=X)["y"]
    expected = X @ weights.T + BIAS
    step = np.ptp(expected) / 255 if precision == "int8-static" else 0.0  # of the outputs
    assert np.abs(y[:, ODD] - BIAS[ODD]).max() <= step
    # inputs have 8 bits: half a step of error for each of 64, of random sign
    assert np.abs(y - expected).max() < 0.02 * np.abs(expected).max()


def test_a_matrix_of_zeros() -> None:
    content = quantize(one_product(np.zeros_like(WEIGHTS)), "int8")
    np.testing.assert_array_equal(run_tflite(content, x=X)["y"], np.broadcast_to(BIAS, X.shape))


@pytest.mark.parametrize("size", [1e-6, 1e-8, 1e-11, 1e-35])
@pytest.mark.parametrize("precision", ["int8", "int4", "int8-static"])
def test_tiny_weights_stay_tiny(precision: str, size: float) -> None:
    """Weights that decayed in training are not zeros: their scale may be small, but must be theirs."""
    weights = STEPS * np.float32(0.1)
    weights = with_odd_channel(weights, weights[ODD] * np.float32(size))
    y = run_tflite(quantize(one_product(weights), precision, calibration=SAMPLES), x=X)["y"]
    expected = X @ weights.T + BIAS
    if precision == "int8-static":
        assert np.abs(y[:, ODD] - expected[:, ODD]).max() <= np.ptp(expected) / 255
    else:
        np.testing.assert_allclose(y[:, ODD], expected[:, ODD], rtol=1e-5)


@pytest.mark.parametrize("row", [[7, 3], [7, -4], [7, 5, 2], [6], [6, 5], [-1], [7, 1]])
def test_rows_that_show_little_of_their_grid(row: list[int]) -> None:
    """A step is not always the difference of two weights, nor a seventh of the largest."""
    steps = with_odd_channel(STEPS, np.pad(row, (0, SIZE - len(row))))
    content = quantize(one_product(steps * np.float32(0.1)), "int4")
    # the same steps at int8 are exact as well, and inputs are quantized alike: what is left is float32 rounding
    exact = quantize(one_product(np.round(steps * np.float32(0.1), 6)), "int8")
    expected = X @ (steps * 0.1).T + BIAS
    y = run_tflite(content, x=X)["y"]
    assert np.abs(y - expected).max() < 0.01 * np.abs(expected).max()
    inputs_only = np.abs(run_tflite(exact, x=X)["y"][:, ODD] - expected[:, ODD]).max()
    assert np.abs(y[:, ODD] - expected[:, ODD]).max() < 1.5 * inputs_only + 1e-3


def test_an_odd_number_of_4_bit_weights() -> None:
    steps = RANDOM.integers(-7, 8, (5, 33)).astype(np.float32)
    x = RANDOM.normal(size=(3, 33)).astype(np.float32)
    y = run_tflite(quantize(one_product(steps * np.float32(0.1), BIAS[:5]), "int4"), x=x)["y"]
    expected = x @ (steps * 0.1).T + BIAS[:5]
    assert np.abs(y - expected).max() < 0.02 * np.abs(expected).max()


def test_4_bits_need_a_grid() -> None:
    with pytest.raises(ConversionError, match="64 of 64 channels are not"):
        quantize(one_product(WEIGHTS), "int4")


def test_products_that_share_a_matrix_and_a_bias() -> None:
    """In an unrolled graph each pass has ranges of its own; a channel's scale must suit all of them."""
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
