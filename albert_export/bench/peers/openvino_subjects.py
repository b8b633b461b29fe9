"""OpenVINO: the checkpoint through `openvino.convert_model`, in fp32 and quantized with NNCF."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from .pipeline_subject import MODEL_CLASSES, PipelineSubject
from .torch_subjects import TransformersSubject

_GRAPH = "model.xml"
#: texts that show NNCF which ranges activations have
_CALIBRATION_TEXTS = 100


class OpenVinoSubject(PipelineSubject):
    """A converted model, behind what a pipeline expects of a model of transformers."""

    engine = "openvino"
    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers", "openvino")

    def import_packages(self) -> None:
        super().import_packages()
        import openvino  # noqa: F401

    def load_model(self) -> Any:
        import openvino

        properties = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": str(self.threads),
            # some processors would compute in bfloat16 otherwise, which is not the precision that the row names
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = openvino.Core().compile_model(self.files / _GRAPH, "CPU", properties)
        return _pipeline_model(compiled, self.checkpoint, self.task)

    @property
    def model_file(self) -> Path:
        return self.files / _GRAPH

    @property
    def file_bytes(self) -> int:
        return super().file_bytes + self.model_file.with_suffix(".bin").stat().st_size

    def inputs(self, batch: int, length: int) -> Any:
        return {name: tensor.numpy() for name, tensor in super().inputs(batch, length).items()}

    def run(self, inputs: Any) -> None:
        self.model.compiled(inputs)


class OpenVinoInt8Subject(OpenVinoSubject):
    """What `prepare_openvino_int8` made."""

    precision = "int8"
    packages: ClassVar[tuple[str, ...]] = ("torch", "transformers", "openvino", "nncf")


def _pipeline_model(compiled: Any, checkpoint: Path, task: str) -> Any:
    """Return `compiled` as a model that a pipeline takes. Its class needs the name of one that the pipeline knows."""
    import torch
    from transformers import AutoConfig
    from transformers.utils import ModelOutput

    request = compiled.create_infer_request()

    class Model:
        device = torch.device("cpu")
        dtype = torch.float32

        def __init__(self) -> None:
            self.config = AutoConfig.from_pretrained(checkpoint)
            self.compiled = request.infer

        def can_generate(self) -> bool:
            return False

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            arrays = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
            found = self.compiled({name: tensor.numpy() for name, tensor in arrays.items()})
            return ModelOutput({next(iter(port.names)): torch.from_numpy(value) for port, value in found.items()})

        __call__ = forward

    Model.__name__ = MODEL_CLASSES[task]
    return Model()


def prepare_openvino(source: Path, output: Path, request: dict[str, Any]) -> str:
    """Convert the checkpoint `source` with dynamic sizes."""
    import openvino

    subject = TransformersSubject(source, source, request["task"], request["threads"])
    subject.load_engine()
    example = subject.inputs(1, min(32, subject.model.config.max_position_embeddings))
    output.mkdir(parents=True)
    openvino.save_model(
        openvino.convert_model(subject.model, example_input=example), output / _GRAPH, compress_to_fp16=False
    )
    return "openvino.convert_model, saved without compression to fp16"


def prepare_openvino_int8(source: Path, output: Path, request: dict[str, Any]) -> str:
    """Quantize the converted model `source`, weights and activations, with texts for calibration."""
    import nncf
    import openvino
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(request["checkpoint"])
    model = openvino.Core().read_model(source / _GRAPH)
    longest = request["longest"]
    samples = [
        {name: array[None] if request["task"] == "multiple-choice" else array for name, array in encoded.items()}
        for text in request["calibration_texts"][:_CALIBRATION_TEXTS]
        for encoded in [dict(tokenizer(text, truncation=True, max_length=longest, return_tensors="np"))]
    ]
    quantized = nncf.quantize(
        model, nncf.Dataset(samples), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(samples)
    )
    output.mkdir(parents=True)
    openvino.save_model(quantized, output / _GRAPH, compress_to_fp16=False)
    return f"nncf.quantize of weights and activations, model_type=TRANSFORMER, {len(samples)} texts for calibration"
