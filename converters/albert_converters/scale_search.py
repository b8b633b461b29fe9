"""The search for quantization scales that make rounding err least.

With 4 bits a row or block has only 15 or 16 levels. If its largest weight sets the scale, most of these levels stay
unused. A smaller scale clips a few large weights and rounds all others more finely, so several scales are tried, as in
the quantizer of the GPTQ authors (github.com/IST-DASLab/gptq, quant.py, option `mse`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def search_scales(
    rows: NDArray[np.float32],
    candidates: Iterable[NDArray[np.float32]],
    *,
    levels: tuple[int, int],
    importance: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Return for each row the candidate scale at which rounding to the nearest level has the least squared error.

    Args:
        rows: the weights that share a scale along the last axis, `[..., weights]`.
        candidates: scales to try, `[..., 1]` each, usually the scale that clips nothing times a falling ratio. Of
            equally good scales the earlier one wins. If no candidate has a finite error, the first one is returned.
        levels: the lowest and the highest quantized value; values beyond them are clipped.
        importance: the weight of each squared error, `[weights]`; `rows` must then be two-dimensional. Without it all
            errors count alike, and are summed in float32.

    Returns:
        The scales, float32 `[..., 1]`.
    """
    best: Any = None
    least: Any = np.inf
    for scales in candidates:
        squares = np.square(np.rint(rows / scales).clip(*levels) * scales - rows)
        error = squares.sum(axis=-1, keepdims=True) if importance is None else (squares @ importance)[:, None]
        best = scales if best is None else np.where(error < least, scales, best)
        least = np.minimum(error, least)
    result: NDArray[np.float32] = best.astype(np.float32)
    return result
