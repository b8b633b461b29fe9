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


def embedding_lookup(table: NDArray[np.float32], precision: str) -> Lookup:
    """The lookup in `table`, `[vocab, embedding]`, which is stored as an export of this precision stores it."""
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
    # TFLite's GATHER does not take float16, but it takes the same bits as int16
    bits = tf.constant(table.astype(np.float16).view(np.int16))
    return lambda ids: tf.cast(tf.bitcast(tf.gather(bits, ids), tf.float16), tf.float32)


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
