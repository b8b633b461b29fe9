"""Inputs for graphs that are told the places of masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_runtime.tasks import MASKED_POSITIONS, Task


def with_every_position(task: Task, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """`arrays`, and where the task's graph takes the places of masks, all places of each sequence as masks.

    A graph with the head "masked" then gives what the usual one does: logits for every token.
    """
    if MASKED_POSITIONS not in task.more_inputs:
        return dict(arrays)
    batch, length = arrays["input_ids"].shape
    return {**arrays, MASKED_POSITIONS: np.tile(np.arange(length, dtype=np.int64), (batch, 1))}
