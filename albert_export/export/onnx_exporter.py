"""OnnxExporter: writes the reference model as an ONNX graph, in any precision and by any recipe."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from albert_converters.extras import needing
from albert_converters.onnx.opsets import DEFAULT_OPSET, check_opset
from albert_export.export.context import ExportContext, ExportedGraph, GraphPreview
from albert_export.export.reference_variants import ReferenceVariants
from albert_export.quantization.gptq import gptq_quantize
from albert_export.quantization.outlier_channels import is_main
from albert_export.quantization.recipes import Recipe
from albert_export.reference import MASK_POLICY
from albert_export.targets import length_problems, refused_length
from albert_export.tasks import in_float_head, task_spec
from albert_export.utils.replaced_attribute import replaced_attribute
from albert_runtime._version import __version__
from albert_runtime.errors import UsageError, listed
from albert_runtime.precisions import unknown_precision
from albert_runtime.tasks import Task

ONNX_FILE = "model.onnx"
#: precisions of an ONNX bundle
ONNX_PRECISIONS = ("fp32", "fp16", "int8", "int4", "int8-static")
#: those for which a processor may be chosen
INTEGER_WEIGHTS = ("int8", "int8-static")
#: processor -> whether int8 weights are limited to 7 bits there, because pairs of 8-bit products are added up in 16
#: bits and may overflow; None stands for weights that are right on every processor
PROCESSORS = {None: True, "arm64": False, "avx2": True, "avx512-vnni": False}
#: the projection of the embeddings, which feeds all passes. It stays in float except for int4, whose errors elsewhere
#: are much larger
_MAPPING = "embedding_hidden_mapping_in."


@dataclass(frozen=True)
class OnnxOptions:
    """The choices for an ONNX graph.

    Raises:
        UsageError: there is no such precision or opset, or a processor is given for a precision without int8 weights.
    """

    precision: str = "fp32"
    #: version of the ai.onnx operators; None means `DEFAULT_OPSET`
    opset: int | None = None
    #: a key of `PROCESSORS`
    processor: str | None = None
    #: the number of tokens of a graph with static shapes; None for dynamic ones
    sequence_length: int | None = None

    framework = "torch"

    def __post_init__(self) -> None:
        if self.precision not in ONNX_PRECISIONS:
            raise UsageError(unknown_precision(self.precision, ONNX_PRECISIONS))
        if self.opset is not None:
            check_opset(self.opset)
        if self.processor is not None and self.precision not in INTEGER_WEIGHTS:
            raise UsageError(
                f"--{self.processor} chooses the range of int8 weights, and {self.precision} has none; "
                "leave it out, or choose --precision int8 or int8-static"
            )

    def check_length(self, longest: int, task: Task) -> None:
        """Raise a UsageError if the static length does not suit the task, or a model that takes `longest` tokens."""
        if self.sequence_length is not None and task.more_inputs:
            raise UsageError(refused_length(task))
        problems = [] if self.sequence_length is None else length_problems(self.sequence_length, longest)
        if problems:
            raise UsageError(listed("this can't be exported:", problems))

    @property
    def written_opset(self) -> int:
        """The version of the ai.onnx operators in the graph."""
        return DEFAULT_OPSET if self.opset is None else self.opset

    def exporter_for(self, context: ExportContext) -> OnnxExporter:
        """The exporter that follows these options for `context`."""
        return OnnxExporter(context, self)

    def preview(self) -> GraphPreview:
        """See `ExportOptions`."""
        return GraphPreview(
            model_format="onnx",
            model_file=ONNX_FILE,
            opset=self.written_opset,
            sequence_length=self.sequence_length,
        )


class OnnxExporter:
    """Writes `model.onnx` for one context. Each float graph is made once, however many recipes start from it.

    Args:
        context: the model that is exported; its reference is in PyTorch.
        options: the precision, the opset and the processor.
    """

    model_format = "onnx"

    def __init__(self, context: ExportContext, options: OnnxOptions) -> None:
        self._context = context
        self._options = options
        #: by whether outlier channels are split off
        self._float_graphs: dict[bool, Any] = {}

    @property
    def precision(self) -> str:
        """The precision of the graph's weights."""
        return self._options.precision

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
            DependencyError: onnx or onnxruntime is missing.
            ConversionError, OperatorError: the model cannot be written as ONNX, or the file cannot be stored.
        """
        with needing("this needs onnx", "onnx"):
            from albert_converters.onnx.inspection import inspect_onnx
            from albert_converters.onnx.quantization.quantize import needed_onnxruntime
        graph = self._float_graph(recipe.split)
        schemes = self._schemes(graph, recipe) if self.precision not in ("fp32", "fp16") else {}
        if schemes:
            self._context.progress(f"quantizing to {self.precision}")
            (folder / ONNX_FILE).write_bytes(self._quantize(graph, recipe, schemes).SerializeToString())
        else:
            graph.write(folder / ONNX_FILE)
        facts = inspect_onnx(folder / ONNX_FILE)
        needs = needed_onnxruntime(schemes, self._options.written_opset)
        quantized: dict[str, Any] = {"needs": {"onnxruntime": needs}} if needs else {}
        if schemes:
            quantized = {
                "recipe": recipe.name,
                "processor": self._options.processor or "any",
                "matrix_products": facts["arithmetic"],
                "quantized_share": facts["quantized_share"],
                "weight_bytes": facts["weight_bytes"],
                "needs": {"onnxruntime": needs},
                "outliers": self._variants.outliers.to_dict() if recipe.split else {},
            }
        return ExportedGraph(
            model_file=ONNX_FILE,
            precision=self.precision,
            opset=self._options.written_opset,
            sequence_length=self._options.sequence_length,
            quantized=quantized,
            tools=("torch", "onnx", "onnxruntime"),
        )

    @cached_property
    def _variants(self) -> ReferenceVariants:
        context = self._context
        samples = context.calibration_samples(longest=context.max_length, sequence_length=self._options.sequence_length)
        return ReferenceVariants(context, samples)

    def _float_graph(self, split: bool) -> Any:
        from albert_converters.onnx.export.torch_export import to_onnx

        if split not in self._float_graphs:
            context = self._context
            context.progress(f"converting {context.task.name} to ONNX")
            model = self._variants.reference(split) if split else context.reference
            if self.precision == "fp16":  # a copy, since the graph is compared with the reference in float32
                half = {id(parameter): type(parameter)(parameter.half(), False) for parameter in model.parameters()}
                model = copy.deepcopy(model, half)
            metadata = {
                "task": context.task.name,
                "precision": self.precision,
                "labels": json.dumps(context.labels),
                "max_length": str(context.max_length),
                "mask_policy": MASK_POLICY,
                "albert_export_version": __version__,
            }
            encoder = getattr(model, "albert", model).encoder
            with replaced_attribute(encoder, "first_token_only", task_spec(context.task).first_token_only):
                self._float_graphs[split] = to_onnx(
                    model,
                    context.task,
                    max_length=context.max_length,
                    opset=self._options.written_opset,
                    sequence_length=self._options.sequence_length,
                    metadata=metadata,
                )
        return self._float_graphs[split]

    def _schemes(self, graph: Any, recipe: Recipe) -> dict[str, str]:
        """Name of each matrix and table that does not stay in float32 -> its quantization scheme."""
        from albert_converters.onnx.quantization.quantize import beyond_float16, matmul_weights, tables

        # the table of segment embeddings has two rows, which are not worth quantizing
        names = matmul_weights(graph.skeleton)
        large = [name for name in tables(graph.skeleton) if "token_type" not in name]
        schemes = {name: scheme for name in names if (scheme := self._scheme(name, recipe))}
        for name in beyond_float16(graph.skeleton, graph.weights):
            if schemes.get(name) == "fp16":
                del schemes[name]  # it stays in float32
        return schemes | dict.fromkeys(large, "int8-rows")

    def _scheme(self, name: str, recipe: Recipe) -> str | None:
        """The quantization scheme of the matrix called `name`; None if it stays in float32."""
        if not is_main(name):
            return None  # so few channels are as fast in float32, and lose nothing there
        if in_float_head(name) or (_MAPPING in name and self.precision != "int4"):
            return None
        if recipe.keeps(name):
            return "int8" if self.precision == "int4" else "fp16"
        if self.precision == "int4" and ("albert_layer_groups" in name or "pooler" in name):
            return "int4-block"
        if "albert_layer_groups" not in name:
            return "int8" if self.precision == "int4" else self.precision
        return "int8-block" if recipe.block else self.precision

    def _quantize(self, graph: Any, recipe: Recipe, schemes: dict[str, str]) -> Any:
        from albert_converters.onnx.quantization.calibration import activation_ranges
        from albert_converters.onnx.quantization.quantize import Int4Weights, quantize

        ranges, rounded = {}, {}
        if self.precision == "int8-static":
            ranges = activation_ranges(graph.skeleton, self._variants.samples, graph.weights)
        if self.precision == "int4":
            assert recipe.block is not None
            hessians = self._variants.input_hessians(recipe.split)
            weights = self._variants.weights(recipe.split)
            for name, scheme in schemes.items():
                hessian = hessians.get(name.removesuffix(".weight"))
                if scheme == "int4-block" and hessian is not None:
                    rounded[name] = Int4Weights(*gptq_quantize(weights[name], hessian, recipe.block))
        return quantize(
            graph.skeleton,
            schemes,
            reduce_range=PROCESSORS[self._options.processor],
            ranges=ranges,
            int4_weights=rounded,
            block_size=recipe.block or 64,
            detached=graph.weights,
        )
