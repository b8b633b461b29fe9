"""OnnxWriter: the reference model -> an ONNX graph in any precision, by any recipe."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from albert_converters.extras import needing
from albert_export.export.context import Graph, Job
from albert_export.export.reference_variants import SplitModels
from albert_export.quantization.calibration import calibration_samples
from albert_export.quantization.gptq import input_moments, round_to_steps
from albert_export.quantization.outlier_channels import is_main
from albert_export.quantization.recipes import Recipe
from albert_export.reference.masking import MASK_POLICY
from albert_export.samples.texts import Text
from albert_export.tasks import in_float_head
from albert_runtime._version import __version__
from albert_runtime.errors import UsageError

ONNX_FILE = "model.onnx"
#: precisions of an ONNX bundle
ONNX_PRECISIONS = ("fp32", "fp16", "int8", "int4", "int8-static")
#: what all passes begin with; of 4 bits' errors it is the least
_MAPPING = "embedding_hidden_mapping_in."


#: flag -> whether int8 weights have 7 bits, since pairs of products are added up in 16 bits; None is right everywhere
PROCESSORS = {None: True, "arm64": False, "avx2": True, "avx512-vnni": False}


@dataclass
class OnnxWriter:
    """Writes `model.onnx`. Each form of the float graph is made once, however many recipes start from it."""

    precision: str
    opset: int | None
    processor: str | None
    #: typical inputs
    texts: Sequence[Text]
    model_format: str = "onnx"
    _split: SplitModels | None = None
    _graphs: dict[bool, Any] = field(default_factory=dict)
    _moments: dict[bool, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.precision not in ONNX_PRECISIONS:
            raise UsageError(f"precision {self.precision!r} is not one of {', '.join(ONNX_PRECISIONS)}")
        if self.processor is not None and self.precision not in ("int8", "int8-static"):
            raise UsageError(f"--{self.processor} chooses the form of int8 weights; {self.precision} has none")

    def applies(self, job: Job, recipe: Recipe, recipes: Sequence[Recipe]) -> str:
        """See `Writer`."""
        return self._models(job).objection(recipe, recipes)

    def write(self, job: Job, recipe: Recipe, folder: Path) -> Graph:
        """See `Writer`.

        Raises:
            DependencyError: onnx or onnxruntime is missing.
            ConversionError, OperatorError: the model can't be written as ONNX, or not be stored.
        """
        with needing("this needs onnx", "onnx"):
            from albert_converters.onnx.inspection import inspect_onnx
            from albert_converters.onnx.quantization.quantize import needed_onnxruntime
        graph = self._float_graph(job, recipe.split)
        forms = self._forms(graph, recipe) if self.precision not in ("fp32", "fp16") else {}
        if forms:
            job.progress(f"quantizing to {self.precision}")
            graph = self._quantized(job, graph, recipe, forms)
        (folder / ONNX_FILE).write_bytes(graph.SerializeToString())
        facts = inspect_onnx(folder / ONNX_FILE)
        needs = needed_onnxruntime(forms, self._opset)
        quantized: dict[str, Any] = {"needs": {"onnxruntime": needs}} if needs else {}
        if forms:
            quantized = {
                "recipe": recipe.name,
                "processor": self.processor or "any",
                "matrix_products": facts["arithmetic"],
                "quantized_share": facts["quantized_share"],
                "weight_bytes": facts["weight_bytes"],
                "needs": {"onnxruntime": needs},
                "outliers": self._models(job).outliers.to_dict() if recipe.split else {},
            }
        return Graph(
            model_file=ONNX_FILE,
            precision=self.precision,
            opset=self._opset,
            quantized=quantized,
            tools=("torch", "onnx", "onnxruntime"),
        )

    @property
    def _opset(self) -> int:
        from albert_converters.onnx.export.torch_export import DEFAULT_OPSET

        return DEFAULT_OPSET if self.opset is None else self.opset

    def _models(self, job: Job) -> SplitModels:
        if self._split is None:
            self._split = SplitModels(job, self._samples(job))
        return self._split

    def _samples(self, job: Job) -> Any:
        longest = job.checkpoint.config.max_position_embeddings
        return calibration_samples(self.texts, job.tokenizer, job.task, longest=longest)

    def _float_graph(self, job: Job, split: bool) -> Any:
        from albert_converters.onnx.export.torch_export import to_onnx

        if split not in self._graphs:
            job.progress(f"converting {job.task.name} to ONNX")
            model = self._models(job).reference(split) if split else job.reference
            if self.precision == "fp16":  # a copy, since the reference must keep the weights it is compared with
                model = copy.deepcopy(model).half()
            length = job.checkpoint.config.max_position_embeddings
            metadata = {
                "task": job.task.name,
                "precision": self.precision,
                "labels": json.dumps(job.labels),
                "max_length": str(length),
                "mask_policy": MASK_POLICY,
                "albert_export_version": __version__,
            }
            self._graphs[split] = to_onnx(model, job.task, max_length=length, opset=self._opset, metadata=metadata)
        return self._graphs[split]

    def _forms(self, graph: Any, recipe: Recipe) -> dict[str, str]:
        """The form of each matrix and table that is not to stay in float32."""
        from albert_converters.onnx.quantization.quantize import beyond_float16, products, tables

        large = [name for name in tables(graph) if "token_type" not in name]  # that one has two rows
        forms = {name: form for name in products(graph) if (form := self._form(name, recipe))}
        for name in beyond_float16(graph):
            if forms.get(name) == "fp16":
                del forms[name]  # it stays in float32
        return forms | dict.fromkeys(large, "int8-rows")

    def _form(self, name: str, recipe: Recipe) -> str | None:
        if not is_main(name):
            return None  # a few channels, multiplied in float32: as fast, and they lose nothing
        if in_float_head(name) or (_MAPPING in name and self.precision != "int4"):
            return None
        if recipe.keeps(name):
            return "int8" if self.precision == "int4" else "fp16"
        if self.precision == "int4" and ("albert_layer_groups" in name or "pooler" in name):
            return "int4-block"
        if "albert_layer_groups" not in name:
            return "int8-static" if self.precision == "int8-static" else "int8"
        return "int8-block" if recipe.block else self.precision

    def _quantized(self, job: Job, graph: Any, recipe: Recipe, forms: dict[str, str]) -> Any:
        from albert_converters.onnx.quantization.calibration import activation_ranges
        from albert_converters.onnx.quantization.quantize import Rounded, quantize

        ranges, rounded = {}, {}
        if self.precision == "int8-static":
            ranges = activation_ranges(graph, self._samples(job))
        if self.precision == "int4":
            assert recipe.block is not None
            moments = self._input_moments(job, recipe.split)
            weights = self._models(job).weights(recipe.split)
            for name, form in forms.items():
                moment = moments.get(name.removesuffix(".weight"))
                if form == "int4-block" and moment is not None:
                    rounded[name] = Rounded(*round_to_steps(weights[name], moment, recipe.block))
        return quantize(
            graph,
            forms,
            reduce_range=PROCESSORS[self.processor],
            ranges=ranges,
            rounded=rounded,
            block_size=recipe.block or 64,
        )

    def _input_moments(self, job: Job, split: bool) -> Any:
        if split not in self._moments:
            job.progress("finding out how to round")
            self._moments[split] = input_moments(lambda visit: self._models(job).watch(split, visit))
        return self._moments[split]
