"""Sensitivity analysis: how much quantizing each linear layer, in each pass, changes the model's outputs.

Names are imported when they are first used, so that the command line's help is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_runtime.lazy_import import lazy_names

if TYPE_CHECKING:
    from albert_export.sensitivity.analysis import PRECISIONS, scan, typical_inputs
    from albert_export.sensitivity.result import QuantizationError, Row, Sensitivity

__all__ = ["PRECISIONS", "QuantizationError", "Row", "Sensitivity", "scan", "typical_inputs"]

__getattr__ = lazy_names(
    __name__,
    {
        "albert_export.sensitivity.analysis": ("PRECISIONS", "scan", "typical_inputs"),
        "albert_export.sensitivity.result": ("QuantizationError", "Row", "Sensitivity"),
    },
)
