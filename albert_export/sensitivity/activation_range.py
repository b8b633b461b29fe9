"""ActivationRange: the values that a linear layer reads, and how far its largest channels stand out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albert_export.quantization.outlier_channels import outlier_channels


@dataclass(frozen=True, eq=False)
class ActivationRange:
    """The range of the inputs of a linear layer. Ranges of several runs or passes are united with `|`."""

    minimum: float
    maximum: float
    #: the largest absolute value of each channel, float32 `[channels]`
    peaks: NDArray[np.float32]

    @classmethod
    def of(cls, inputs: NDArray[np.float32]) -> ActivationRange:
        """The range of `inputs`, `[..., channels]`."""
        rows = inputs.reshape(-1, inputs.shape[-1])
        return cls(float(rows.min()), float(rows.max()), np.abs(rows).max(axis=0))

    def __or__(self, other: ActivationRange) -> ActivationRange:
        return ActivationRange(
            min(self.minimum, other.minimum), max(self.maximum, other.maximum), np.maximum(self.peaks, other.peaks)
        )

    @property
    def outlier_ratio(self) -> float:
        """The largest peak over the median peak of the channels that are not always zero; 1 if all are."""
        alive = self.peaks[self.peaks > 0]
        return float(self.peaks.max() / np.median(alive)) if alive.size else 1.0

    @property
    def outlier_channels(self) -> tuple[int, ...]:
        """The outlier channels by the definition that exports split them by, the largest first."""
        return tuple(sorted(outlier_channels(self.peaks), key=lambda channel: -self.peaks[channel]))
