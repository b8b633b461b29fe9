"""How a TFLite graph holds the word embeddings: a third of an ALBERT, of which a sentence needs a few rows.

Quantizers leave the GATHER that looks words up alone, and would keep the whole table in float32. So the table goes
into the graph in the small form already, and only the rows that were looked up are widened.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

#: ids, int32 of any shape -> rows, float32 with the embedding as last axis
Lookup = Callable[[tf.Tensor], tf.Tensor]


def word_rows(table: NDArray[np.float32], precision: str) -> Lookup:
    """The lookup in `table`, `[vocab, embedding]`, held as the precision of an export has it."""
    return _FORMS[precision](table)


def int8_rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """`table` as int8 rows and one scale a row, `[vocab, 1]`: symmetric, as per-channel weights are.

    For a tied decoder a quantizer comes to these very bytes, so that the file can hold them once.
    """
    scales = np.abs(table).max(axis=1, keepdims=True) / np.float32(127)
    scales[scales == 0] = 1.0  # a row of zeros, such as padding, is zeros at any scale
    return np.clip(np.rint(table / scales), -127, 127).astype(np.int8), scales.astype(np.float32)


def _float_rows(table: NDArray[np.float32]) -> Lookup:
    constant = tf.constant(table)
    return lambda ids: tf.gather(constant, ids)


def _half_rows(table: NDArray[np.float32]) -> Lookup:
    # TFLite can't GATHER float16, but it can the same bits as int16
    bits = tf.constant(table.astype(np.float16).view(np.int16))
    return lambda ids: tf.cast(tf.bitcast(tf.gather(bits, ids), tf.float16), tf.float32)


def _byte_rows(table: NDArray[np.float32]) -> Lookup:
    rows, scales = (tf.constant(array) for array in int8_rows(table))
    return lambda ids: tf.cast(tf.gather(rows, ids), tf.float32) * tf.gather(scales, ids)


#: int4 keeps int8 rows: an embedding row has no sum in which errors could cancel out
_FORMS: dict[str, Callable[[NDArray[np.float32]], Lookup]] = {
    "fp32": _float_rows,
    "fp16": _half_rows,
    "int8": _byte_rows,
    "int4": _byte_rows,
    "int8-static": _byte_rows,
}
