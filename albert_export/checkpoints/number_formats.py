"""The number formats that weights are stored in, and their conversion to float32."""

from __future__ import annotations

import numpy as np

#: bfloat16, which numpy lacks: its bits, as the one field of a structure
BFLOAT16 = np.dtype([("bfloat16", "<u2")])


def float_format(dtype: np.dtype) -> str | None:
    """The name of a floating-point format, such as "float16" or "bfloat16"; None if `dtype` is of another kind.

    Besides `BFLOAT16`, the bfloat16 of the package ml_dtypes, which TensorFlow and JAX use, is recognized.
    """
    if dtype == BFLOAT16 or dtype.name == "bfloat16":
        return "bfloat16"
    return dtype.name if dtype.kind == "f" else None


def as_float32(array: np.ndarray) -> np.ndarray:
    """`array` in float32, contiguous and in the order of bytes of this machine; it is copied only if it must be.

    Numbers beyond the range of float32 become infinite.
    """
    if float_format(array.dtype) == "bfloat16":
        # A bfloat16 is the upper half of a float32.
        upper = np.ascontiguousarray(array).view("<u2").astype(np.uint32)
        upper <<= 16
        return upper.view(np.float32).reshape(array.shape)
    with np.errstate(over="ignore"):
        # `require` also copies a part of a file that begins at an odd place.
        return np.require(array, dtype=np.float32, requirements=["C", "A"]).reshape(array.shape)


def is_finite(array: np.ndarray) -> bool:
    """Whether no number of `array` is NaN or infinite. This takes no memory, unlike `np.isfinite`."""
    return not array.size or bool(np.isfinite(array.min()) and np.isfinite(array.max()))
