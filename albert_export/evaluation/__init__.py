"""Evaluation of a bundle or a checkpoint on labelled examples.

Public names are imported when they are first used, which keeps `--help` on the command line fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_export.utils.lazy_import import lazy_names

if TYPE_CHECKING:
    from albert_export.evaluation.datasets.example import Dataset, Example
    from albert_export.evaluation.datasets.reading import read_dataset
    from albert_export.evaluation.evaluator import Evaluation, evaluate
    from albert_export.evaluation.model_loading import Model, find_model

__all__ = ["Dataset", "Evaluation", "Example", "Model", "evaluate", "find_model", "read_dataset"]

#: public name -> the module that defines it
_HOMES = {
    "Dataset": "albert_export.evaluation.datasets.example",
    "Evaluation": "albert_export.evaluation.evaluator",
    "Example": "albert_export.evaluation.datasets.example",
    "Model": "albert_export.evaluation.model_loading",
    "evaluate": "albert_export.evaluation.evaluator",
    "find_model": "albert_export.evaluation.model_loading",
    "read_dataset": "albert_export.evaluation.datasets.reading",
}


__getattr__ = lazy_names(__name__, _HOMES)
