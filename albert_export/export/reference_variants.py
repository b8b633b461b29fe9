"""SplitModels: the reference model as it is, and again with its outlier channels split off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.export.context import Job
from albert_export.quantization.linears import linears_module
from albert_export.quantization.outlier_channels import (
    Outliers,
    channel_peaks,
    find_outliers,
    shared_layers,
    with_outliers_last,
)
from albert_export.quantization.recipes import Recipe
from albert_export.reference.registry import build_reference


class SplitModels:
    """The two forms of a job's reference model: equal in float32, and the second easier to quantize.

    Args:
        job: whose reference it is.
        samples: typical inputs, which show where the outliers are.
    """

    def __init__(self, job: Job, samples: Sequence[Mapping[str, NDArray[np.int64]]]) -> None:
        self._job = job
        self._samples = samples
        self._products = linears_module(job.framework)

    def reference(self, split: bool) -> Any:
        """The model; not to be changed."""
        return self._split_reference if split else self._job.reference

    @cached_property
    def outliers(self) -> Outliers:
        """The outlier channels."""
        self._job.progress("looking for outliers")
        peaks = channel_peaks(lambda visit: self.watch(False, visit))
        prefix = self._job.reference.name_prefix
        return find_outliers({prefix + path: peak for path, peak in peaks.items()}, self._job.checkpoint.weights)

    def objection(self, recipe: Recipe, recipes: Sequence[Recipe]) -> str:
        """Why `recipe` gives nothing new: there is nothing to split off, and one of `recipes` is the same without."""
        without = [other for other in recipes if not other.split and other.block == recipe.block]
        return "no outlier channels" if recipe.split and without and not self.outliers else ""

    def watch(self, split: bool, visit: Callable[[str, NDArray[Any]], None]) -> None:
        """Runs the samples; `visit` is called with each shared product's path and its inputs, `[rows, channels]`."""
        self._products.run_with_forward_hooks(self.reference(split), self._samples, visit)

    def weights(self, split: bool) -> dict[str, NDArray[np.float32]]:
        """The matrices of the shared products, `[outputs, inputs]`, by their names in the reference."""
        products = self._products.shared_linears(self.reference(split))
        return {f"{path}.weight": self._products.weight(product) for path, product in products.items()}

    @cached_property
    def _split_reference(self) -> Any:
        job, outliers = self._job, self.outliers
        weights, hidden_order = with_outliers_last(job.checkpoint.weights, outliers)
        reference = build_reference(
            dataclasses.replace(job.checkpoint, weights=weights),
            job.task.name,
            allow_random_head=job.allow_random_head,
            framework=job.framework,
        )
        prefix = reference.name_prefix
        layers = shared_layers(prefix + path for path in self._products.shared_linears(reference))
        counts = outliers.split_inputs(layers)
        self._products.split_linears(reference, {path.removeprefix(prefix): n for path, n in counts.items()})
        if outliers.hidden:
            self._products.reorder_hidden(reference, hidden_order)
        return reference
