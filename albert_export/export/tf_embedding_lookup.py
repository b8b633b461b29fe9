"""The embedding lookup of a TFLite graph, with the table of word embeddings stored in the graph's precision.

The table holds a third of an ALBERT's weights, and a sentence needs a few of its rows. Quantizers do not touch the
GATHER operator that looks them up, so they would leave the whole table in float32. Therefore the table is quantized
before it goes into the graph, and only the rows that were looked up are converted to float32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

#: token ids, int32 of any shape -> their rows, float32 with the embedding as a new last axis
Lookup = Callable[[tf.Tensor], tf.Tensor]


def embedding_lookup(table: NDArray[np.float32], precision: str, *, gathers_float16: bool = True) -> Lookup:
    """The lookup in `table`, `[vocab, embedding]`, which is stored as an export of this precision stores it.

    Where the engine's GATHER takes float16, that of fp16 has a BITCAST that `look_up_float16` removes from the file.
    """
    if precision == "fp16" and not gathers_float16:
        return _float16_arithmetic_lookup(table)
    return _LOOKUPS[precision](table)


def int8_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """`table` as int8 rows `[vocab, embedding]` and float32 scales `[vocab, 1]`, quantized symmetrically row by row.

    A quantizer computes exactly these bytes for the weights of a tied decoder, so that the file can hold them once.
    """
    scales = np.abs(table).max(axis=1, keepdims=True) / np.float32(127)
    scales[scales == 0] = 1.0  # any scale is right for a row of zeros, such as that of padding
    return np.clip(np.rint(table / scales), -127, 127).astype(np.int8), scales.astype(np.float32)


def _float32_lookup(table: NDArray[np.float32]) -> Lookup:
    constant = tf.constant(table)
    return lambda ids: tf.gather(constant, ids)


def _float16_lookup(table: NDArray[np.float32]) -> Lookup:
    # TensorFlow's converter has no GATHER of float16, but it has one of the same bits as int16
    bits = tf.constant(_float16_bits(table))
    return lambda ids: tf.cast(tf.bitcast(tf.gather(bits, ids), tf.float16), tf.float32)


def _float16_arithmetic_lookup(table: NDArray[np.float32]) -> Lookup:
    """A lookup whose rows are made of the bits of float16 by arithmetic in float32, which is exact.

    A number of float16 has a sign and 5 bits of exponent before 10 bits of significand. As int16 it is 1024 times the
    former, from -32 to 31, plus the latter. A table for the former says what to add to the significand, and what to
    multiply the sum by (IEEE 754-2019, section 3.4).
    """
    bits = tf.constant(_float16_bits(table))
    leading = np.arange(-32, 32)
    exponents = leading % 32
    units = np.where(leading < 0, -1.0, 1.0) * 2.0 ** (np.maximum(exponents, 1) - 25)
    implicit = np.where(exponents > 0, 1024.0, 0.0)
    unit_table, implicit_table = (tf.constant(array.astype(np.float32)) for array in (units, implicit))

    def lookup(ids: tf.Tensor) -> tf.Tensor:
        numbers = tf.cast(tf.gather(bits, ids), tf.float32)
        first = tf.floor(numbers * (1 / 1024))
        index = tf.cast(first + 32.0, tf.int32)
        significand = numbers - first * 1024.0 + tf.gather(implicit_table, index)
        return significand * tf.gather(unit_table, index)

    return lookup


def _float16_bits(table: NDArray[np.float32]) -> NDArray[np.int16]:
    return table.astype(np.float16).view(np.int16)


def _int8_lookup(table: NDArray[np.float32]) -> Lookup:
    rows, scales = (tf.constant(array) for array in int8_rows(table))
    return lambda ids: tf.cast(tf.gather(rows, ids), tf.float32) * tf.gather(scales, ids)


#: precision -> the lookup. int4 has int8 rows too, since no sum follows in which the errors of a row could cancel out
_LOOKUPS: dict[str, Callable[[NDArray[np.float32]], Lookup]] = {
    "fp32": _float32_lookup,
    "fp16": _float16_lookup,
    "int8": _int8_lookup,
    "int4": _int8_lookup,
    "int8-static": _int8_lookup,
}
