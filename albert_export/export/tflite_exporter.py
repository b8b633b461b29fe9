"""TfliteExporter: writes the reference model as a TFLite graph for one target, by any recipe."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from albert_converters.extras import needing, quantizer_module
from albert_export.export.context import ExportContext, ExportedGraph, GraphPreview
from albert_export.export.packed_tokenizer import packed_tokenizer
from albert_export.export.reference_variants import ReferenceVariants
from albert_export.quantization.outlier_channels import is_main
from albert_export.quantization.recipes import Recipe
from albert_export.targets import TARGETS, Plan
from albert_export.utils.folder_name import folder_name
from albert_export.utils.native_stderr import suppressed_native_stderr
from albert_export.utils.resident_memory import return_freed_memory
from albert_runtime._version import __version__
from albert_runtime.postprocessing.pooling import EmbeddingOptions

if TYPE_CHECKING:
    from albert_converters.tflite.task_library_tokenizer import TaskLibraryTokenizer
    from albert_export.reference.tf_mapped_weights import MappedWeights

TFLITE_FILE = "model.tflite"
#: larger float graphs are not kept
_KEPT_BYTES = 64 << 20
#: what stays in float in every precision: it has few weights or none, and quantizing it would cost the most answers
_NEVER_QUANTIZED = ("matrix multiplications of two activations in attention", "softmax", "LayerNorm",
                    "activation functions", "biases", "position and segment embeddings")  # fmt: skip


@dataclass(frozen=True)
class TfliteOptions:
    """The choices for a TFLite graph. `make_plan` has validated them."""

    plan: Plan

    framework = "tf"

    @property
    def precision(self) -> str:
        """The precision of the graph's weights."""
        return self.plan.precision

    def exporter_for(self, context: ExportContext) -> TfliteExporter:
        """The exporter that follows these options for `context`."""
        return TfliteExporter(context, self.plan)

    def preview(self) -> GraphPreview:
        """See `ExportOptions`."""
        plan = self.plan
        return GraphPreview(
            model_format="tflite",
            model_file=TFLITE_FILE,
            target=plan.target,
            graph=plan.graph,
            sequence_length=plan.sequence_length,
            input_names=dict(plan.input_names),
            output_names=dict(plan.output_names),
        )


class TfliteExporter:
    """Writes `model.tflite` for one context. A float graph that several recipes start from is made once, unless it is
    so large that keeping it would take more memory than making it again takes time.

    Args:
        context: the model that is exported; its reference is in TensorFlow.
        plan: the target, the precision, the shapes and the names of the graph.
    """

    model_format = "tflite"

    def __init__(self, context: ExportContext, plan: Plan) -> None:
        self._context = context
        self._plan = plan
        #: by whether outlier channels are split off, and by the matrices that the recipe keeps
        self._float_graphs: dict[tuple[bool, tuple[str, ...]], Any] = {}
        #: by whether outlier channels are split off
        self._mapped: dict[bool, MappedWeights] = {}

    @property
    def precision(self) -> str:
        """The precision of the graph's weights."""
        return self._plan.precision

    @property
    def tokens_until_outliers(self) -> int:
        """See `Exporter`."""
        return self._variants.tokens_until_outliers

    def reason_to_skip(self, recipe: Recipe, recipes: Sequence[Recipe]) -> str:
        """See `Exporter`."""
        return self._variants.reason_to_skip(recipe, recipes)

    def write(self, recipe: Recipe, folder: Path) -> ExportedGraph:
        """See `Exporter`.

        Raises:
            DependencyError: tensorflow, ai-edge-litert or litert-quantizer is missing.
            ConversionError: the model cannot be written as TFLite, or the file cannot be stored, or quantization
                changed nothing.
            OperatorError: the model needs an operator that TFLite lacks.
        """
        with needing("this needs TensorFlow and LiteRT", "litert"), suppressed_native_stderr():
            from albert_converters.tflite import model as tflite_model
            from albert_converters.tflite.inspection import inspect_tflite
            from albert_converters.tflite.quantize import quantize
            from albert_converters.tflite.task_library_metadata import add_task_library_metadata
            from albert_converters.tflite.text_library import TEXT_LIBRARIES
            from albert_export.export.tf_function import SHARED_LAYERS, linears_pattern
        context, plan = self._context, self._plan
        library = TEXT_LIBRARIES.get(plan.target)
        tokenizer = self._packed_tokenizer if library else None  # refuses a model before it takes time
        model = self._float_graph(recipe)
        if plan.precision != "fp32":
            context.progress(f"quantizing to {plan.precision}")
            samples = self._variants.samples if plan.precision == "int8-static" else ()
            model = quantize(
                model,
                plan.precision,
                shared_layers=SHARED_LAYERS,
                kept=linears_pattern(recipe.kept),
                floats=self._float_pattern(recipe),
                calibration=[
                    plan.named({name: array.astype(np.int32) for name, array in sample.items()}) for sample in samples
                ],
            )
        if library is not None and tokenizer is not None:
            content = add_task_library_metadata(
                tflite_model.dumps(model),
                task=context.task,
                tokenizer=tokenizer,
                labels=context.labels,
                name=f"ALBERT for {context.task.name}",
                description=f"Exported from {folder_name(context.checkpoint.folder)} by albert-export {__version__}.",
                version=__version__,
                library=library,
            )
            (folder / TFLITE_FILE).write_bytes(content)
        else:
            tflite_model.write(model, folder / TFLITE_FILE)
        del model
        return_freed_memory(self._checkpoint_bytes)
        return ExportedGraph(
            model_file=TFLITE_FILE,
            precision=plan.precision,
            sequence_length=plan.sequence_length,
            target=plan.target,
            quantized=self._quantized(recipe, inspect_tflite(folder / TFLITE_FILE)),
            tools=("tensorflow", "ai-edge-litert", quantizer_module().replace("_", "-")),
        )

    @property
    def _embedding(self) -> EmbeddingOptions | None:
        """How the graph itself makes one vector of a text; None if the caller does."""
        pools = TARGETS[self._plan.target].text_library and self._context.task.name == "feature-extraction"
        return EmbeddingOptions.from_manifest(self._context.request_settings["embedding"]) if pools else None

    @cached_property
    def _packed_tokenizer(self) -> TaskLibraryTokenizer:
        return packed_tokenizer(self._context, TARGETS[self._plan.target])

    @cached_property
    def _variants(self) -> ReferenceVariants:
        context, plan = self._context, self._plan
        samples = context.calibration_samples(longest=plan.longest, sequence_length=plan.sequence_length)
        return ReferenceVariants(context, samples)

    def _float_graph(self, recipe: Recipe) -> Any:
        """The model in float32, as objects. For int4, the shared weights have 4-bit values, except kept ones."""
        from albert_converters.tflite.convert import to_model
        from albert_converters.tflite.model import content
        from albert_export.export.tf_function import trace_reference
        from albert_export.quantization.tf_linears import temporary_int4_weights

        context, plan = self._context, self._plan
        config, gptq = context.checkpoint.config, plan.precision == "int4"
        key = (recipe.split, recipe.kept if gptq else ())
        model = self._float_graphs.get(key)
        if model is None:
            reference, mapped = self._variants.reference(recipe.split), self._mapped_weights(recipe.split)
            with contextlib.ExitStack() as weights:
                if gptq:
                    weights.enter_context(temporary_int4_weights(reference, self._hessians(recipe)))
                context.progress(f"converting {context.task.name} to TFLite, {plan.graph}")
                divisor = math.sqrt(config.hidden_size // config.num_attention_heads)  # of the queries
                function = trace_reference(reference, context.task, plan, embedding=self._embedding)
                mapped.give_back()  # from here on nothing reads them before the converter has ended
                model = to_model(function, divisors=(divisor,))
            if sum(content(buffer).nbytes for buffer in model.buffers) <= _KEPT_BYTES:
                self._float_graphs[key] = model
        return model

    def _mapped_weights(self, split: bool) -> MappedWeights:
        """The weights of a variant of the reference, in a file."""
        if split not in self._mapped:
            from albert_export.reference.tf_mapped_weights import MappedWeights

            self._mapped[split] = MappedWeights(self._variants.reference(split))
            return_freed_memory(self._checkpoint_bytes)
        return self._mapped[split]

    @cached_property
    def _checkpoint_bytes(self) -> int:
        return sum(array.nbytes for array in self._context.checkpoint.weights.values())

    def _hessians(self, recipe: Recipe) -> dict[str, Any]:
        """Path of each linear layer that becomes int4 -> the Hessian of its inputs."""
        hessians = self._variants.input_hessians(recipe.split)
        return {path: hessian for path, hessian in hessians.items() if is_main(path) and not recipe.keeps(path)}

    def _float_pattern(self, recipe: Recipe) -> str:
        """A regular expression that finds the linear layers that stay in float.

        The task heads do: they have few rows, and their errors go straight into the answer.
        """
        from albert_export.export.tf_function import MAPPING, OUTLIERS, head_pattern

        chosen = [
            head_pattern(self._context.task),
            OUTLIERS if recipe.split else "",
            "" if self._plan.precision == "int4" else MAPPING,  # int4 loses far more elsewhere
        ]
        return "|".join(filter(None, chosen))

    def _quantized(self, recipe: Recipe, facts: dict[str, Any]) -> dict[str, Any]:
        """The manifest's description of the file, from the `facts` that were found in it."""
        quantized = {
            "graph": self._plan.graph,
            "recipe": recipe.name,
            "matrix_products": facts["arithmetic"],
            "quantized_share": facts["quantized_share"],
            "weight_bytes": facts["weight_bytes"],
        }
        if recipe.split:
            quantized["outliers"] = self._variants.outliers.to_dict()
        if facts["quantized_share"]:
            quantized["left_in_float"] = [*facts["float_products"], *_NEVER_QUANTIZED]
        return quantized
