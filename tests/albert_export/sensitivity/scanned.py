"""Small models to scan, inputs for them, and results of scans that were not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from albert_export import read_checkpoint
from albert_export.reference.registry import build_reference
from albert_export.sensitivity import QuantizationError, Row, Sensitivity, typical_inputs
from albert_runtime.tasks import find_task

Sample = dict[str, np.ndarray]


def model_of(folder: Path, task: str, count: int = 2) -> tuple[Any, list[Sample]]:
    """Return the PyTorch reference of a checkpoint, and `count` inputs."""
    checkpoint = read_checkpoint(folder)
    return build_reference(checkpoint, task), typical_inputs(checkpoint, find_task(task), limit=count)


def unchanged(call: Any, x: Any, weight: Any) -> tuple[Any, Any]:
    return x, weight


def sensitivity_of(errors: dict[str, list[float]], *, ratio: float = 2.0) -> Sensitivity:
    """Return the result of an imagined scan.

    Args:
        errors: matrix of the shared layer -> its error in each pass; all passes have three times the largest.
        ratio: the outlier ratio of each row; above 8 each row has five outlier channels.
    """
    rows = [_row("albert.encoder.embedding_hidden_mapping_in", None, 0.004, ratio)]
    for matrix, passes in errors.items():
        module = f"albert.encoder.albert_layer_groups.0.albert_layers.0.{matrix}"
        rows += [_row(module, number, error, ratio) for number, error in enumerate(passes, start=1)]
        rows.append(_row(module, None, 3 * max(passes), ratio))
    rows.append(_row("classifier", None, 0.002, ratio))
    passes = max(map(len, errors.values()))
    return Sensitivity("text-classification", "int8", 8, 1024, passes, tuple(rows), QuantizationError(0.5, 0.25))


def _row(module: str, pass_number: int | None, error: float, ratio: float) -> Row:
    channels = tuple(range(5)) if ratio > 8 else ()
    return Row(module, pass_number, -1.5, 7.25, ratio, channels, QuantizationError(error, None if error > 1 else 0.0))
