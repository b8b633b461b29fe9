"""Evaluation of a bundle or a checkpoint on labelled examples.

Names are imported when they are first used, so that the command line's help is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from albert_runtime.lazy_import import lazy_names

if TYPE_CHECKING:
    from albert_export.evaluation.dataset_reading import read_dataset
    from albert_export.evaluation.datasets.example import Dataset, Example
    from albert_export.evaluation.evaluator import Evaluation, evaluate
    from albert_export.evaluation.model_loading import Model, find_model

__all__ = ["Dataset", "Evaluation", "Example", "Model", "evaluate", "find_model", "read_dataset"]

__getattr__ = lazy_names(
    __name__,
    {
        "albert_export.evaluation.datasets.example": ("Dataset", "Example"),
        "albert_export.evaluation.dataset_reading": ("read_dataset",),
        "albert_export.evaluation.evaluator": ("Evaluation", "evaluate"),
        "albert_export.evaluation.model_loading": ("Model", "find_model"),
    },
)
