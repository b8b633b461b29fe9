"""optimum-onnx: its export, quantized by itself or by ONNX Runtime's tools, in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .pipeline_subject import MODEL_CLASSES, PipelineSubject

_GRAPH = "model.onnx"
_QUANTIZED = "model_quantized.onnx"


class OptimumSubject(PipelineSubject):
    """The graph of optimum's exporter, loaded with optimum's model class."""

    engine = "onnxruntime"
    packages = ("torch", "transformers", "optimum-onnx", "onnxruntime")
    graph = _GRAPH

    def import_packages(self) -> None:
        super().import_packages()
        import optimum.onnxruntime
        import optimum.onnxruntime.modeling  # noqa: F401

    def load_model(self) -> Any:
        import onnxruntime
        import optimum.onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        name = MODEL_CLASSES[self.task].replace("Albert", "ORT").replace("ORTModel", "ORTModelForFeatureExtraction")
        model_class = getattr(optimum.onnxruntime, name.replace("ORTFor", "ORTModelFor"))
        return model_class.from_pretrained(self.files, file_name=self.graph, session_options=options)

    @property
    def model_file(self) -> Path:
        return self.files / self.graph


class OptimumInt8Subject(OptimumSubject):
    """What `prepare_optimum_int8` made."""

    precision = "int8"
    graph = _QUANTIZED


class OrtDynamicSubject(OptimumSubject):
    """What `prepare_ort_dynamic` made."""

    precision = "int8"


def prepare_optimum(source: Path, output: Path, request: dict[str, Any]) -> str:
    """Export the checkpoint `source`, as `optimum-cli export onnx` does."""
    from optimum.exporters.onnx import main_export

    main_export(str(source), output, task=request["task"])
    return "optimum.exporters.onnx.main_export with its defaults"


def prepare_optimum_int8(source: Path, output: Path, request: dict[str, Any]) -> str:
    """Quantize optimum's export `source`, as `optimum-cli onnxruntime quantize` does."""
    from optimum.onnxruntime import ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    flags = request["cpu_flags"]
    if request["architecture"] in ("aarch64", "arm64"):
        name = "arm64"
    else:
        name = "avx512_vnni" if "avx512_vnni" in flags else "avx512" if "avx512f" in flags else "avx2"
    config = getattr(AutoQuantizationConfig, name)(is_static=False, per_channel=False)
    ORTQuantizer.from_pretrained(source, file_name=_GRAPH).quantize(save_dir=output, quantization_config=config)
    return f"ORTQuantizer with AutoQuantizationConfig.{name}(is_static=False, per_channel=False)"


def prepare_ort_dynamic(source: Path, output: Path, request: dict[str, Any]) -> str:
    """Quantize optimum's export `source` with the tools of ONNX Runtime, as its documentation advises."""
    import shutil

    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    shutil.copytree(source, output)
    prepared = output / "prepared.onnx"
    # the symbolic inference of shapes fails on optimum's export; the rest makes its weights plain constants
    quant_pre_process(output / _GRAPH, prepared, skip_symbolic_shape=True)
    quantize_dynamic(prepared, output / _GRAPH, weight_type=QuantType.QInt8)
    prepared.unlink()
    return "quant_pre_process(skip_symbolic_shape=True), then quantize_dynamic(weight_type=QInt8)"
