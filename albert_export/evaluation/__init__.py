"""How many labelled examples a bundle or a checkpoint answers right.

Names are loaded when they are first used, so that the command line's help is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_export.lazy_names import lazy_names

if TYPE_CHECKING:
    from albert_export.evaluation.dataset import read_dataset
    from albert_export.evaluation.evaluation import Evaluation, evaluate
    from albert_export.evaluation.example import Dataset, Example
    from albert_export.evaluation.model import Model, find_model

__all__ = ["Dataset", "Evaluation", "Example", "Model", "evaluate", "find_model", "read_dataset"]

#: public name -> the module that holds it
_HOMES = {
    "Dataset": "albert_export.evaluation.example",
    "Evaluation": "albert_export.evaluation.evaluation",
    "Example": "albert_export.evaluation.example",
    "Model": "albert_export.evaluation.model",
    "evaluate": "albert_export.evaluation.evaluation",
    "find_model": "albert_export.evaluation.model",
    "read_dataset": "albert_export.evaluation.dataset",
}


__getattr__ = lazy_names(__name__, _HOMES)
