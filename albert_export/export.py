"""From a checkpoint to a verified bundle: what the two commands `onnx` and `tflite` do."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from albert_export.calibration import Text, bundled_texts, calibration_samples, read_calibration_texts
from albert_export.checkpoints import Checkpoint
from albert_export.native_talk import without_native_talk
from albert_export.pipeline import Exported, Graph, Job, default_task, export_bundle
from albert_export.reference.masking import MASK_POLICY
from albert_export.targets import Plan, find_target, make_plan
from albert_runtime._version import __version__
from albert_runtime.errors import DependencyError, UsageError
from albert_runtime.tasks import Task, find_task

__all__ = ["ONNX_FILE", "ONNX_PRECISIONS", "TFLITE_FILE", "Exported", "default_task", "export_onnx", "export_tflite"]

ONNX_FILE = "model.onnx"
TFLITE_FILE = "model.tflite"
#: precisions of an ONNX bundle
ONNX_PRECISIONS = ("fp32", "fp16")

#: what no precision of ours touches: they hold few weights or none, and most of what quantization costs in answers
_NEVER_QUANTIZED = ("products of activations in attention", "softmax", "LayerNorm", "activation functions", "biases",
                    "position and segment embeddings")  # fmt: skip


def export_onnx(
    model: str | Path,
    output: str | Path,
    *,
    task: str | None = None,
    precision: str = "fp32",
    opset: int | None = None,
    allow_random_head: bool = False,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Exported:
    """Exports a checkpoint to an ONNX bundle and verifies it against the PyTorch reference.

    Args:
        model: a checkpoint folder, Hugging Face's or Google's.
        output: the folder to make. It appears whole, or not at all.
        task: name or alias; None takes the one head that the checkpoint was saved with.
        precision: "fp32", or "fp16" for weights and arithmetic in half precision; outputs are float32 in both.
        opset: version of the ai.onnx operators; None means `DEFAULT_OPSET`.
        allow_random_head: give a head that the checkpoint lacks random weights instead of refusing.
        force: replace an older bundle at `output`.
        progress: called with a line about each step.

    Raises:
        UsageError: a wrong argument, or `output` exists.
        CheckpointError: the checkpoint can't be read, or its parts don't fit each other; all problems at once.
        UnsupportedError: there is no such task, or the checkpoint has no head for it.
        DependencyError: torch, onnx or onnxruntime is missing.
        ConversionError, OperatorError: the model can't be written as ONNX, or not be stored.
        ParityError: the exported graph does not give the reference's answers; nothing is written.
    """
    if precision not in ONNX_PRECISIONS:
        raise UsageError(f"precision {precision!r} is not one of {', '.join(ONNX_PRECISIONS)}")
    return export_bundle(
        model,
        Path(output),
        lambda checkpoint, task: lambda job, folder: _write_onnx(job, folder, precision, opset),
        task=None if task is None else find_task(task),
        framework="torch",
        allow_random_head=allow_random_head,
        force=force,
        progress=progress,
    )


def export_tflite(
    model: str | Path,
    output: str | Path,
    *,
    task: str | None = None,
    target: str = "litert",
    precision: str | None = None,
    graph: str | None = None,
    sequence_length: int | None = None,
    calibration_data: str | Path | None = None,
    allow_random_head: bool = False,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Exported:
    """Exports a checkpoint to a TFLite bundle and verifies it against the TensorFlow reference.

    Args:
        model: a checkpoint folder, Hugging Face's or Google's.
        output: the folder to make. It appears whole, or not at all.
        task: name or alias; None takes the one head that the checkpoint was saved with.
        target: the engine it is for, one of `TARGETS`: "litert", "tflite-runtime" or "task-library".
        precision: one of the target's; None means its default (int8 for litert, fp16 for the others).
        graph: "loop" keeps the shared layer once, in memory too; "unrolled" repeats it. None means what the
            precision can have.
        sequence_length: tokens of a graph with static shapes; None means dynamic shapes where the target takes them.
        calibration_data: a text file with a typical input a line, for int8-static and int4; None means a bundled
            corpus.
        allow_random_head: give a head that the checkpoint lacks random weights instead of refusing.
        force: replace an older bundle at `output`.
        progress: called with a line about each step.

    Raises:
        UsageError: a wrong argument, or `output` exists; all problems at once.
        CheckpointError: the checkpoint can't be read, or its parts don't fit each other; all problems at once.
        UnsupportedError: there is no such task, or the checkpoint has no head for it, or the target does not serve it.
        DependencyError: tensorflow, ai-edge-litert or ai-edge-quantizer is missing.
        ConversionError: the model can't be written as TFLite, or not be stored, or quantizing it changed nothing.
        OperatorError: the model needs an operator that TFLite lacks.
        ParityError: the exported graph does not give the reference's answers; nothing is written.
    """
    engine = find_target(target)
    texts = bundled_texts() if calibration_data is None else read_calibration_texts(calibration_data)

    def writer_for(checkpoint: Checkpoint, chosen: Task) -> Callable[[Job, Path], Graph]:
        plan = make_plan(
            engine, chosen, checkpoint.config,
            precision=precision, graph=graph, sequence_length=sequence_length, calibrated=calibration_data is not None,
        )  # fmt: skip
        return lambda job, folder: _write_tflite(job, folder, plan, texts)

    return export_bundle(
        model,
        Path(output),
        writer_for,
        task=None if task is None else find_task(task),
        framework="tf",
        allow_random_head=allow_random_head,
        force=force,
        progress=progress,
    )


def _write_onnx(job: Job, folder: Path, precision: str, opset: int | None) -> Graph:
    try:
        from albert_converters.torch_to_onnx import DEFAULT_OPSET, to_onnx
    except ImportError as error:
        raise DependencyError(f"this needs onnx ({error}); install it: pip install 'albert-export[onnx]'") from error
    job.progress(f"converting {job.task.name} to ONNX, {precision}")
    opset = DEFAULT_OPSET if opset is None else opset
    length = job.checkpoint.config.max_position_embeddings
    metadata = {
        "task": job.task.name,
        "precision": precision,
        "labels": json.dumps(job.labels),
        "max_length": str(length),
        "mask_policy": MASK_POLICY,
        "albert_export_version": __version__,
    }
    # a copy, since the reference must keep the weights that the result is compared with
    model = job.reference if precision == "fp32" else copy.deepcopy(job.reference).half()
    proto = to_onnx(model, job.task, max_length=length, opset=opset, metadata=metadata)
    (folder / ONNX_FILE).write_bytes(proto.SerializeToString())
    return Graph(model_file=ONNX_FILE, precision=precision, opset=opset, tools=("torch", "onnx", "onnxruntime"))


def _write_tflite(job: Job, folder: Path, plan: Plan, texts: list[Text]) -> Graph:
    try:
        with without_native_talk():
            from albert_converters.task_library_metadata import add_task_library_metadata
            from albert_converters.tf_to_tflite import to_tflite
            from albert_converters.tflite_inspect import inspect_tflite
            from albert_converters.tflite_quantize import quantize
            from albert_export.tf_graph import HEADS, SHARED_LAYERS, traced
            from albert_export.tf_rounding import rounded_weights
    except ImportError as error:
        advice = "install what is missing: pip install 'albert-export[litert]'"
        raise DependencyError(f"this needs TensorFlow and LiteRT ({error}); {advice}") from error
    samples = calibration_samples(texts, job.tokenizer, job.task, plan) if plan.calibrated else []
    job.progress(f"converting {job.task.name} to TFLite, {plan.graph}")
    with contextlib.ExitStack() as weights:
        if plan.precision == "int4":
            weights.enter_context(rounded_weights(job.reference, samples))
        content = to_tflite(traced(job.reference, job.task, plan))
    if plan.precision != "fp32":
        job.progress(f"quantizing to {plan.precision}")
        content = quantize(
            content,
            plan.precision,
            shared_layers=SHARED_LAYERS,
            heads=HEADS[job.task.name],
            calibration=[plan.named(sample) for sample in samples],
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
        quantized=_quantized(inspect_tflite(folder / TFLITE_FILE), plan),
        tools=("tensorflow", "ai-edge-litert", "ai-edge-quantizer"),
    )


def _quantized(facts: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """What the manifest says of the file, as it was found in the file."""
    quantized = {
        "graph": plan.graph,
        "matrix_products": facts["arithmetic"],
        "quantized_share": facts["quantized_share"],
        "weight_bytes": facts["weight_bytes"],
    }
    if facts["quantized_share"]:
        quantized["left_in_float"] = [*facts["float_products"], *_NEVER_QUANTIZED]
    return quantized
