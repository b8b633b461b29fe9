"""Placeholders: the converter sees none of the large weights, and the file is the same as if it did."""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from albert_converters.tflite import convert, placeholders
from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.convert import to_model, to_tflite
from tests.tiny_graph import run_tflite

ROWS, SIZE = 50, 24
RANDOM = np.random.default_rng(0)
MATRIX = tf.Variable(RANDOM.normal(size=(SIZE, SIZE)).astype(np.float32))
BIAS = tf.Variable(RANDOM.normal(size=SIZE).astype(np.float32))


def function(table: np.ndarray) -> Any:
    """Return ids -> y: looks up rows of `table`, and multiplies them by M; the products are divided."""
    constant = tf.constant(table)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="ids")], autograph=False)
    def graph(ids: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.cast(tf.gather(constant, ids), tf.float32)
        return {"y": (tf.matmul(rows, MATRIX, transpose_b=True) + BIAS) / math.sqrt(48)}

    return graph.get_concrete_function()


def of_type(name: str) -> np.ndarray:
    return (100 * RANDOM.normal(size=(ROWS, SIZE))).clip(-127, 127).astype(name)


@pytest.mark.parametrize("name", ["int8", "int16", "float32"])
def test_the_file_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    traced = function(of_type(name))
    expected = to_tflite(traced, divisors=(math.sqrt(48),))
    monkeypatch.setattr(placeholders, "LEAST_BYTES", 500)
    seen = []
    release = convert._release_unused_constants
    monkeypatch.setattr(
        convert,
        "_release_unused_constants",
        lambda model: (seen.extend(map(content_of, model.buffers)), release(model)),
    )
    with caplog.at_level(logging.INFO):
        assert to_tflite(traced, divisors=(math.sqrt(48),)) == expected
    assert "converting again" not in caplog.text
    large = [array for array in seen if array.size >= 500]
    assert len(large) >= 2
    assert all(len(np.unique(array.reshape(-1, 4), axis=0)) == 1 for array in large)


def content_of(buffer: Any) -> np.ndarray:
    return tflite_model.content(buffer)


def test_the_model_holds_the_matrices_uncopied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placeholders, "LEAST_BYTES", 500)
    monkeypatch.setattr("albert_converters.tflite.detached_weights._LEAST_BYTES", 500)
    table = tf.constant(of_type("float32"))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="ids")], autograph=False)
    def graph(ids: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.matmul(tf.gather(table, ids), MATRIX, transpose_b=True)}

    model = to_model(graph.get_concrete_function())
    places = {content_of(buffer).ctypes.data for buffer in model.buffers}
    for tensor in (table, MATRIX.read_value()):
        assert np.asarray(memoryview(tensor)).ctypes.data in places
    ids = np.array([3, 1], np.int32)
    y = run_tflite(tflite_model.dumps(model), ids=ids)["y"]
    np.testing.assert_allclose(y, table.numpy()[ids] @ MATRIX.numpy().T, rtol=1e-4, atol=1e-3)
