"""The embedding lookup in every precision: what it returns, and how far that is from the table."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from albert_export.export.tf_embedding_lookup import embedding_lookup, int8_rows
from albert_export.targets import PRECISIONS

TABLE = np.random.default_rng(0).normal(0, 0.1, (50, 8)).astype(np.float32)
TABLE[0] = 0.0  # padding
TABLE[1] *= 1000.0
IDS = np.array([[0, 1, 49], [7, 7, 2]], np.int32)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_rows_are_looked_up(precision: str) -> None:
    rows = embedding_lookup(TABLE, precision)(tf.constant(IDS)).numpy()
    assert rows.dtype == np.float32
    assert rows.shape == (2, 3, 8)
    np.testing.assert_array_equal(rows[0, 0], 0.0)
    np.testing.assert_array_equal(rows[1, 0], rows[1, 1])
    expected = TABLE[IDS]
    # half a quantization step: 2^-12 of the value in float16, and 1/254 of the row's largest value in int8
    share = {"fp32": 0.0, "fp16": 2**-11}.get(precision, 1 / 253)
    assert (np.abs(rows - expected) <= share * np.abs(expected).max(axis=-1, keepdims=True)).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_ids_of_any_shape(precision: str) -> None:
    lookup = tf.function(
        embedding_lookup(TABLE, precision),
        input_signature=[tf.TensorSpec([None, None, None], tf.int32)],
        autograph=False,
    )
    assert lookup(tf.zeros([2, 3, 4], tf.int32)).shape == (2, 3, 4, 8)
    assert lookup(tf.zeros([1, 1, 0], tf.int32)).shape == (1, 1, 0, 8)


def test_float16_rows_are_those_of_numpy() -> None:
    every = np.arange(50, dtype=np.int32)
    rows = embedding_lookup(TABLE, "fp16")(tf.constant(every)).numpy()
    np.testing.assert_array_equal(rows, TABLE.astype(np.float16).astype(np.float32))


def test_float16_rows_by_arithmetic() -> None:
    """Of every finite number of float16, subnormal ones among them."""
    bits = np.arange(-(2**15), 2**15).astype(np.int16)
    every = bits[np.isfinite(bits.view(np.float16))].view(np.float16).astype(np.float32).reshape(-1, 8)
    assert every.size == 2**16 - 2 * 2**10
    rows = embedding_lookup(every, "fp16", gathers_float16=False)(tf.range(len(every))).numpy()
    np.testing.assert_array_equal(rows, every)


floats = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False),
)


@settings(max_examples=200, deadline=None)
@given(table=floats)
def test_int8_rows_of_any_table(table: np.ndarray) -> None:
    rows, scales = int8_rows(table)
    assert (rows.dtype, scales.dtype) == (np.int8, np.float32)
    assert (rows.shape, scales.shape) == (table.shape, (len(table), 1))
    assert rows.min() >= -127  # symmetric, as the weights of linear layers are
    assert (scales > 0).all()
    largest = np.abs(table).max(axis=1, keepdims=True)
    # 0.51 and 1e-37 rather than 0.5 and 0, since float32 rounds the scales, the smallest of them most
    assert (np.abs(rows * scales.astype(np.float64) - table) <= 0.51 * largest / 127 + 1e-37).all()


def test_the_table_is_left_unchanged() -> None:
    table = TABLE.copy()
    int8_rows(table)
    np.testing.assert_array_equal(table, TABLE)
