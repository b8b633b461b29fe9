"""ReferenceVariants: the reference model as it is, and the same model with its outlier channels split off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albert_export.export.context import ExportContext
from albert_export.quantization.gptq import input_hessians
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
from albert_export.utils.schedule import Schedule


class ReferenceVariants:
    """The plain and the outlier-split variant of a context's reference model.

    Both compute the same function in float32; the split variant loses less when it is quantized. The argument `split`
    of the methods chooses between them.

    Args:
        context: the context whose reference it is.
        samples: typical inputs, which show where the outliers are.
    """

    def __init__(self, context: ExportContext, samples: Sequence[Mapping[str, NDArray[np.int64]]]) -> None:
        self.samples = samples
        self._context = context
        self._linears = linears_module(context.framework)
        self._hessians: dict[bool, dict[str, NDArray[np.float64]]] = {}

    def reference(self, split: bool) -> Any:
        """The model of a variant; it must not be changed."""
        return self._split_reference if split else self._context.reference

    @cached_property
    def outliers(self) -> Outliers:
        """The outlier channels."""
        left = Schedule.of(self._context.progress).step("outliers", "looking for outlier channels")
        peaks = channel_peaks(lambda visit: self.run_with_hooks(False, visit, left.over(self.samples)))
        prefix = self._context.reference.name_prefix
        return find_outliers({prefix + path: peak for path, peak in peaks.items()}, self._context.checkpoint.weights)

    @property
    def tokens_until_outliers(self) -> int:
        """The number of tokens that the reference runs to find the outlier channels; 0 once they are found."""
        return 0 if "outliers" in self.__dict__ else sum(sample["input_ids"].size for sample in self.samples)

    def reason_to_skip(self, recipe: Recipe, recipes: Sequence[Recipe]) -> str:
        """Why `recipe` would make the same graph as another of `recipes`; empty if it makes a new one.

        It does if there are no outlier channels to split off, and `recipes` has the same recipe without the split.
        """
        unsplit = [other for other in recipes if not other.split and other.block == recipe.block]
        return "no outlier channels" if recipe.split and unsplit and not self.outliers else ""

    def run_with_hooks(
        self, split: bool, visit: Callable[[str, NDArray[Any]], None], samples: Iterable[Any] | None = None
    ) -> None:
        """Runs `samples`, or all; `visit` gets path and inputs, `[rows, channels]`, of each shared linear layer."""
        chosen = self.samples if samples is None else samples
        self._linears.run_with_forward_hooks(self.reference(split), chosen, visit)

    def input_hessians(self, split: bool) -> dict[str, NDArray[np.float64]]:
        """Path of each shared linear layer -> the Hessian that GPTQ needs, `[inputs, inputs]`; computed once."""
        if split not in self._hessians:
            self._context.progress("computing the Hessians for GPTQ")
            self._hessians[split] = input_hessians(lambda visit: self.run_with_hooks(split, visit))
        return self._hessians[split]

    def weights(self, split: bool) -> dict[str, NDArray[np.float32]]:
        """The matrices of the shared linear layers, `[outputs, inputs]`, by their names in the reference."""
        linears = self._linears.shared_linears(self.reference(split))
        return {f"{path}.weight": self._linears.weight(linear) for path, linear in linears.items()}

    @cached_property
    def _split_reference(self) -> Any:
        context, outliers = self._context, self.outliers
        weights, hidden_order = with_outliers_last(context.checkpoint.weights, outliers)
        reference = build_reference(
            dataclasses.replace(context.checkpoint, weights=weights),
            context.task.name,
            allow_random_head=context.allow_random_head,
            framework=context.framework,
        )
        prefix = reference.name_prefix
        layers = shared_layers(prefix + path for path in self._linears.shared_linears(reference))
        counts = outliers.split_inputs(layers)
        self._linears.split_linears(reference, {path.removeprefix(prefix): n for path, n in counts.items()})
        if outliers.hidden:
            self._linears.reorder_hidden(reference, hidden_order)
        return reference
