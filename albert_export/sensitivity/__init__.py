"""Sensitivity analysis: how much quantizing each linear layer, in each pass, changes the model's outputs.

Names are loaded when they are first used, so that the help of the command line is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_export.utils.lazy_import import lazy_names

if TYPE_CHECKING:
    from albert_export.sensitivity.analysis import PRECISIONS, scan, typical_inputs
    from albert_export.sensitivity.result import QuantizationError, Row, Sensitivity

__all__ = ["PRECISIONS", "QuantizationError", "Row", "Sensitivity", "scan", "typical_inputs"]

#: public name -> the module that defines it
_HOMES = {
    "PRECISIONS": "albert_export.sensitivity.analysis",
    "QuantizationError": "albert_export.sensitivity.result",
    "Row": "albert_export.sensitivity.result",
    "Sensitivity": "albert_export.sensitivity.result",
    "scan": "albert_export.sensitivity.analysis",
    "typical_inputs": "albert_export.sensitivity.analysis",
}


__getattr__ = lazy_names(__name__, _HOMES)
