"""Which dense layers, and in which passes, a model's answers depend on most when they are quantized.

Names are loaded when they are first used, so that the command line's help is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from albert_export.sensitivity.result import Harm, Row, Sensitivity
    from albert_export.sensitivity.scanner import PRECISIONS, scan, typical_inputs

__all__ = ["PRECISIONS", "Harm", "Row", "Sensitivity", "scan", "typical_inputs"]

#: public name -> the module here that holds it
_HOMES = {
    "PRECISIONS": "scanner",
    "Harm": "result",
    "Row": "result",
    "Sensitivity": "result",
    "scan": "scanner",
    "typical_inputs": "scanner",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
