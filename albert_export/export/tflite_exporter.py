"""TfliteWriter: the reference model -> a TFLite graph for one engine, by any recipe."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from albert_converters.extras import needing
from albert_export.export.context import Graph, Job
from albert_export.export.reference_variants import SplitModels
from albert_export.quantization.calibration import calibration_samples
from albert_export.quantization.gptq import input_moments
from albert_export.quantization.outlier_channels import is_main
from albert_export.quantization.recipes import Recipe
from albert_export.samples.texts import Text
from albert_export.targets import Plan
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_runtime._version import __version__

TFLITE_FILE = "model.tflite"
#: what no precision of ours touches: they hold few weights or none, and most of what quantization costs in answers
_NEVER_QUANTIZED = ("products of activations in attention", "softmax", "LayerNorm", "activation functions", "biases",
                    "position and segment embeddings")  # fmt: skip


@dataclass
class TfliteWriter:
    """Writes `model.tflite`. A float graph that several recipes start from is made once."""

    plan: Plan
    #: typical inputs
    texts: Sequence[Text]
    model_format: str = "tflite"
    _split: SplitModels | None = None
    _moments: dict[bool, Any] = field(default_factory=dict)
    _float_graphs: dict[Any, bytes] = field(default_factory=dict)

    @property
    def precision(self) -> str:
        return self.plan.precision

    def applies(self, job: Job, recipe: Recipe, recipes: Sequence[Recipe]) -> str:
        """See `Writer`."""
        return self._models(job).objection(recipe, recipes)

    def write(self, job: Job, recipe: Recipe, folder: Path) -> Graph:
        """See `Writer`.

        Raises:
            DependencyError: tensorflow, ai-edge-litert or ai-edge-quantizer is missing.
            ConversionError: the model can't be written as TFLite, or not be stored, or quantizing it changed nothing.
            OperatorError: the model needs an operator that TFLite lacks.
        """
        with needing("this needs TensorFlow and LiteRT", "litert"), suppressed_native_stderr():
            from albert_converters.tflite.inspection import inspect_tflite
            from albert_converters.tflite.quantize import quantize
            from albert_converters.tflite.task_library_metadata import add_task_library_metadata
            from albert_export.export.tf_function import SHARED_LAYERS, products_called
        plan = self.plan
        content = self._float_graph(job, recipe)
        if plan.precision != "fp32":
            job.progress(f"quantizing to {plan.precision}")
            calibration = self._samples(job) if plan.precision == "int8-static" else []
            content = quantize(
                content,
                plan.precision,
                shared_layers=SHARED_LAYERS,
                kept=products_called(recipe.kept),
                floats=self._floats(job, recipe),
                calibration=[
                    plan.named({name: array.astype(np.int32) for name, array in sample.items()})
                    for sample in calibration
                ],
            )
        if plan.target == "task-library":
            content = add_task_library_metadata(
                content,
                task=job.task,
                sentencepiece=job.vocabulary.read_bytes(),
                labels=job.labels,
                name=f"ALBERT for {job.task.name}",
                description=f"Exported from {job.checkpoint.folder.resolve().name} by albert-export {__version__}.",
                version=__version__,
            )
        (folder / TFLITE_FILE).write_bytes(content)
        return Graph(
            model_file=TFLITE_FILE,
            precision=plan.precision,
            sequence_length=plan.sequence_length,
            target=plan.target,
            quantized=self._facts(job, recipe, inspect_tflite(folder / TFLITE_FILE)),
            tools=("tensorflow", "ai-edge-litert", "ai-edge-quantizer"),
        )

    def _models(self, job: Job) -> SplitModels:
        if self._split is None:
            self._split = SplitModels(job, self._samples(job))
        return self._split

    def _samples(self, job: Job) -> Any:
        plan = self.plan
        return calibration_samples(
            self.texts, job.tokenizer, job.task, longest=plan.longest, sequence_length=plan.sequence_length
        )

    def _float_graph(self, job: Job, recipe: Recipe) -> bytes:
        """The graph in float32; for int4, its shared weights are rounded already, but for those that are kept."""
        from albert_converters.tflite.convert import to_tflite
        from albert_export.export.tf_function import traced
        from albert_export.tf_rounding import rounded_weights

        rounded = self.plan.precision == "int4"
        key = (recipe.split, recipe.kept if rounded else ())
        if key not in self._float_graphs:
            models = self._models(job)
            reference = models.reference(recipe.split)
            with contextlib.ExitStack() as weights:
                if rounded:
                    weights.enter_context(rounded_weights(reference, self._moments_to_round_by(job, recipe)))
                job.progress(f"converting {job.task.name} to TFLite, {self.plan.graph}")
                self._float_graphs[key] = to_tflite(traced(reference, job.task, self.plan))
        return self._float_graphs[key]

    def _floats(self, job: Job, recipe: Recipe) -> str:
        """What finds the products that stay in float: heads are a few rows, whose errors are the answer's."""
        from albert_export.export.tf_function import HEADS, MAPPING, OUTLIERS

        chosen = [
            HEADS[job.task.name],
            OUTLIERS if recipe.split else "",
            "" if self.plan.precision == "int4" else MAPPING,  # of 4 bits' errors it is the least
        ]
        return "|".join(filter(None, chosen))

    def _moments_to_round_by(self, job: Job, recipe: Recipe) -> dict[str, Any]:
        """Path of each product that becomes int4 -> the moments of its inputs."""
        if recipe.split not in self._moments:
            job.progress("finding out how to round")
            self._moments[recipe.split] = input_moments(lambda visit: self._models(job).watch(recipe.split, visit))
        moments = self._moments[recipe.split]
        return {path: moment for path, moment in moments.items() if is_main(path) and not recipe.keeps(path)}

    def _facts(self, job: Job, recipe: Recipe, facts: dict[str, Any]) -> dict[str, Any]:
        """What the manifest says of the file, as it was found in the file."""
        quantized = {
            "graph": self.plan.graph,
            "recipe": recipe.name,
            "matrix_products": facts["arithmetic"],
            "quantized_share": facts["quantized_share"],
            "weight_bytes": facts["weight_bytes"],
        }
        if recipe.split:
            quantized["outliers"] = self._models(job).outliers.to_dict()
        if facts["quantized_share"]:
            quantized["left_in_float"] = [*facts["float_products"], *_NEVER_QUANTIZED]
        return quantized
