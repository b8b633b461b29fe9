"""How far the answers of a quantized graph may fall behind the original's."""

from __future__ import annotations

import math
from dataclasses import dataclass

from albert_runtime.errors import UsageError

#: points (percent) of answers that may differ, and points that the task's metric may fall by
DIFFERING_ANSWERS = 1.0
METRIC_DROP = 0.5


@dataclass(frozen=True)
class Budget:
    """Points, of 100, that may be lost."""

    differing: float = DIFFERING_ANSWERS
    metric: float = METRIC_DROP

    @classmethod
    def of(cls, max_drop: float | None) -> Budget:
        """The budget of `--max-drop`: one number for both, or the defaults.

        Raises:
            UsageError: it is not a number of points from 0 to 100.
        """
        if max_drop is None:
            return cls()
        if not (math.isfinite(max_drop) and 0 <= max_drop <= 100):
            raise UsageError(
                f"--max-drop {max_drop:g} is not a number of points from 0 to 100; 1 allows one answer of 100 to differ"
            )
        return cls(max_drop, max_drop)

    def __str__(self) -> str:
        return f"{self.differing:g} of 100 answers may differ, and a metric may fall by {self.metric:g} points"
