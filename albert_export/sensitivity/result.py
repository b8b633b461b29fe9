"""Sensitivity: what a scan found, a row for each dense layer and each of its passes."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

#: where a shared layer's matrices are, in Hugging Face's names
_SHARED = re.compile(r".*albert_layer_groups\.(\d+)\.albert_layers\.(\d+)\.")


@dataclass(frozen=True)
class Harm:
    """What quantizing something does to the model's outputs."""

    #: root mean square of the outputs' differences over that of the outputs; infinite where they are not finite
    error: float
    #: share of the answers that the original decides clearly which are decided otherwise, 0 to 1; None where it
    #: decides nothing: embeddings, regression, or near ties only
    changed: float | None

    def to_dict(self) -> dict[str, float | None]:
        """The same as JSON types, which have no infinity: null."""
        return {"error": self.error if self.error < float("inf") else None, "changed": self.changed}


@dataclass(frozen=True)
class Row:
    """One dense layer in one pass: what goes into it in float32, and what quantizing it alone does."""

    #: Hugging Face's full name
    module: str
    #: 1 for the first; None for all passes at once, and for a layer that runs once
    pass_number: int | None
    #: of all its inputs
    minimum: float
    maximum: float
    #: a channel's peak is its largest absolute value; this is the largest peak over the median of the peaks, channels
    #: that are always zero left out
    outlier_ratio: float
    #: channels whose peak is above 8 times that median, the largest first
    outlier_channels: tuple[int, ...]
    harm: Harm

    @property
    def error(self) -> float:
        return self.harm.error

    @property
    def name(self) -> str:
        """A name that is short and clear: without the path, but for which of several shared layers it is in."""
        match = _SHARED.match(self.module)
        if match is None:
            return self.module.removeprefix("albert.").removeprefix("encoder.")
        layer = "" if match.groups() == ("0", "0") else f"{match[1]}.{match[2]} "
        return layer + self.module[match.end() :]

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON types."""
        figures = asdict(self)
        del figures["harm"]
        return {
            "module": figures.pop("module"),
            "pass": figures.pop("pass_number"),
            **figures,
            "outlier_channels": list(self.outlier_channels),
            **self.harm.to_dict(),
        }


@dataclass(frozen=True)
class Sensitivity:
    """A scan's rows, in the order in which the layers run; a layer's passes first, then all of them at once."""

    task: str
    precision: str
    #: how many inputs were run, and how many tokens they have
    samples: int
    tokens: int
    #: of the model over its shared layers
    passes: int
    rows: tuple[Row, ...]
    #: all layers in all passes quantized
    everything: Harm

    @property
    def modules(self) -> tuple[Row, ...]:
        """A row for each layer: all its passes at once."""
        return tuple(row for row in self.rows if row.pass_number is None)

    def passes_of(self, module: str) -> dict[int, Row]:
        """Pass -> the row of the layer called `module` in it; empty for a layer that runs once."""
        return {row.pass_number: row for row in self.rows if row.module == module and row.pass_number is not None}

    def worst(self, count: int = 3) -> tuple[Row, ...]:
        """Of `modules` the ones that do most harm, worst first."""
        return tuple(sorted(self.modules, key=lambda row: -row.error)[:count])

    def to_dict(self) -> dict[str, Any]:
        """The whole as JSON types; "pass" is null for all passes at once."""
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
