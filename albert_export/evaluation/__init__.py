"""How many labelled examples a bundle or a checkpoint answers right.

Names are loaded when they are first used, so that the command line's help is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from albert_export.evaluation.dataset import read_dataset
    from albert_export.evaluation.evaluation import Evaluation, evaluate
    from albert_export.evaluation.example import Dataset, Example
    from albert_export.evaluation.model import Model, find_model

__all__ = ["Dataset", "Evaluation", "Example", "Model", "evaluate", "find_model", "read_dataset"]

#: public name -> the module here that holds it
_HOMES = {
    "Dataset": "example",
    "Evaluation": "evaluation",
    "Example": "example",
    "Model": "model",
    "evaluate": "evaluation",
    "find_model": "model",
    "read_dataset": "dataset",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
