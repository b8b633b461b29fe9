"""Sensitivity: the result of a scan, with a row for each linear layer and each of its passes."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

#: matches the path of a linear layer within a shared layer, in Hugging Face's names
_SHARED = re.compile(r".*albert_layer_groups\.(\d+)\.albert_layers\.(\d+)\.")


@dataclass(frozen=True)
class QuantizationError:
    """How much quantization changes the model's outputs. (This is a measurement, not an exception.)"""

    #: root mean square of the outputs' differences over that of the outputs; infinite where they are not finite
    error: float
    #: the share of the float32 model's clear decisions that come out differently, 0 to 1; None if it makes no clear
    #: decisions: for embeddings, for regression, or if all are near ties
    changed: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The two figures as JSON types; an infinite error is null, since JSON has no infinity."""
        return {"error": self.error if self.error < float("inf") else None, "changed": self.changed}


@dataclass(frozen=True)
class Row:
    """A linear layer in one pass: what it reads in float32, and the error of quantizing it alone."""

    #: Hugging Face's full name
    module: str
    #: from 1; None for all passes together, and for a layer that runs once
    pass_number: int | None
    #: the lowest and the highest of all its inputs
    minimum: float
    maximum: float
    #: a channel's peak is its largest absolute value; the ratio is the largest peak over the median peak of the
    #: channels that are not always zero
    outlier_ratio: float
    #: the outlier channels, the largest first; see `quantization.outlier_channels.outlier_channels`
    outlier_channels: tuple[int, ...]
    quantization_error: QuantizationError

    @property
    def error(self) -> float:
        return self.quantization_error.error

    @property
    def changed(self) -> float | None:
        return self.quantization_error.changed

    @property
    def name(self) -> str:
        """A short name: without the path, but with the numbers of the group and the layer, unless both are 0."""
        match = _SHARED.match(self.module)
        if match is None:
            return self.module.removeprefix("albert.").removeprefix("encoder.")
        layer = "" if match.groups() == ("0", "0") else f"{match[1]}.{match[2]} "
        return layer + self.module[match.end() :]

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON types."""
        figures = asdict(self)
        del figures["quantization_error"]
        return {
            "module": figures.pop("module"),
            "pass": figures.pop("pass_number"),
            **figures,
            "outlier_channels": list(self.outlier_channels),
            **self.quantization_error.to_dict(),
        }


@dataclass(frozen=True)
class Sensitivity:
    """The rows of a scan, in the order in which the layers run: first a layer's passes, then all of them together."""

    task: str
    precision: str
    #: the number of inputs, and of their tokens
    samples: int
    tokens: int
    #: the number of passes over the shared layers
    passes: int
    rows: tuple[Row, ...]
    #: the error with all layers quantized in all passes
    everything: QuantizationError

    @property
    def modules(self) -> tuple[Row, ...]:
        """One row for each layer, with all its passes together."""
        return tuple(row for row in self.rows if row.pass_number is None)

    def passes_of(self, module: str) -> dict[int, Row]:
        """Return the row of each pass of the layer called `module`; empty for a layer that runs once."""
        return {row.pass_number: row for row in self.rows if row.module == module and row.pass_number is not None}

    def worst(self, count: int = 3) -> tuple[Row, ...]:
        """Return the `count` rows of `modules` with the largest errors, the largest first."""
        return tuple(sorted(self.modules, key=lambda row: -row.error)[:count])

    def to_dict(self) -> dict[str, Any]:
        """The whole result as JSON types; "pass" is null for all passes together."""
        return {
            "task": self.task,
            "precision": self.precision,
            "samples": self.samples,
            "tokens": self.tokens,
            "passes": self.passes,
            "rows": [row.to_dict() for row in self.rows],
            "everything": self.everything.to_dict(),
            "worst": [row.module for row in self.worst()],
        }
