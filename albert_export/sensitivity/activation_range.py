"""Range: the values that go into a product, and how far its largest channels stand out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: times the median: a range as wide takes three of eight bits from the ordinary channels
_OUTLIER = 8.0


@dataclass(frozen=True, eq=False)
class Range:
    """Of one product's inputs, or of several that read the same number of channels."""

    minimum: float
    maximum: float
    #: the largest absolute value of each channel, float32 `[channels]`
    peaks: NDArray[np.float32]

    @classmethod
    def of(cls, rows: NDArray[np.float32]) -> Range:
        """The range of `[..., channels]`."""
        channels = rows.reshape(-1, rows.shape[-1])
        return cls(float(channels.min()), float(channels.max()), np.abs(channels).max(axis=0))

    def __or__(self, other: Range) -> Range:
        return Range(
            min(self.minimum, other.minimum), max(self.maximum, other.maximum), np.maximum(self.peaks, other.peaks)
        )

    @property
    def outlier_ratio(self) -> float:
        """The largest peak over the median of the peaks, channels that are always zero left out; 1 if all are."""
        return float(self.peaks.max() / self._median) if self._median else 1.0

    @property
    def outlier_channels(self) -> tuple[int, ...]:
        """The channels whose peak is above 8 times that median, the largest first."""
        above = np.flatnonzero(self.peaks > _OUTLIER * self._median)
        return tuple(int(channel) for channel in above[np.argsort(-self.peaks[above], kind="stable")])

    @property
    def _median(self) -> float:
        alive = self.peaks[self.peaks > 0]
        return float(np.median(alive)) if alive.size else 0.0
