"""From a checkpoint to a verified bundle: what the two commands `onnx` and `tflite` do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from albert_export.checkpoints import Checkpoint
from albert_export.export.context import Writer
from albert_export.export.onnx_exporter import ONNX_FILE, ONNX_PRECISIONS, OnnxWriter
from albert_export.export.pipeline import Exported, export_bundle
from albert_export.export.tflite_exporter import TFLITE_FILE, TfliteWriter
from albert_export.quantization.accuracy_options import Fidelity
from albert_export.quantization.budget import Budget
from albert_export.quantization.calibration import read_calibration_texts
from albert_export.samples.texts import Text, calibration_corpus
from albert_export.targets import find_target, make_plan
from albert_runtime.tasks import Task, find_task

__all__ = ["ONNX_FILE", "ONNX_PRECISIONS", "TFLITE_FILE", "Exported", "export_onnx", "export_tflite"]


def export_onnx(
    model: str | Path,
    output: str | Path,
    *,
    task: str | None = None,
    precision: str = "fp32",
    opset: int | None = None,
    processor: str | None = None,
    max_drop: float | None = None,
    eval_data: str | Path | None = None,
    calibration_data: str | Path | None = None,
    allow_random_head: bool = False,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Exported:
    """Exports a checkpoint to an ONNX bundle and verifies it against the PyTorch reference.

    Args:
        model: a checkpoint folder, Hugging Face's or Google's.
        output: the folder to make. It appears whole, or not at all.
        task: name or alias; None takes the one head that the checkpoint was saved with.
        precision: "fp32"; "fp16" for weights and arithmetic in half precision; "int8", "int4" for weights of 8 or 4
            bits and activations quantized as they come; "int8-static" for activations with calibrated ranges. Inputs
            are int64 and outputs float32 in all.
        opset: version of the ai.onnx operators; None means `DEFAULT_OPSET`.
        processor: "arm64", "avx2" or "avx512-vnni" for integer weights as such a processor likes them best; None for
            weights that are right on all.
        max_drop, eval_data, calibration_data: see `export_tflite`.
        allow_random_head: give a head that the checkpoint lacks random weights instead of refusing.
        force: replace an older bundle at `output`.
        progress: called with a line about each step.

    Raises:
        UsageError: a wrong argument, or `output` exists.
        CheckpointError: the checkpoint can't be read, or its parts don't fit each other; all problems at once.
        UnsupportedError: there is no such task, or the checkpoint has no head for it.
        DependencyError: torch, onnx or onnxruntime is missing.
        ConversionError, OperatorError: the model can't be written as ONNX, or not be stored.
        ParityError: the exported graph is no working form of the reference; nothing is written.
        AccuracyError: no recipe keeps the answers within `max_drop`; nothing is written.
    """
    fidelity, texts = _fidelity(max_drop, eval_data, calibration_data)
    writer = OnnxWriter(precision, opset, processor, texts)
    return export_bundle(
        model,
        Path(output),
        lambda checkpoint, task: writer,
        task=None if task is None else find_task(task),
        framework="torch",
        fidelity=fidelity,
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
    max_drop: float | None = None,
    eval_data: str | Path | None = None,
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
        max_drop: points of 100 that may be lost: of answers equal to the original's, and of the task's metric where
            `eval_data` is given. None means 1 and 0.5. It holds for all precisions but fp32, whose answers are equal.
        eval_data: a file of labelled examples, see `albert_export.evaluation`; None asks a bundled corpus and the
            calibration data.
        calibration_data: a text file with a typical input a line, to find ranges and outliers of activations by, and
            to round 4-bit weights by; None means a bundled corpus.
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
        ParityError: the exported graph is no working form of the reference; nothing is written.
        AccuracyError: no recipe keeps the answers within `max_drop`; nothing is written.
    """
    engine = find_target(target)
    fidelity, texts = _fidelity(max_drop, eval_data, calibration_data)

    def writer_for(checkpoint: Checkpoint, chosen: Task) -> Writer:
        plan = make_plan(
            engine, chosen, checkpoint.config, precision=precision, graph=graph, sequence_length=sequence_length
        )
        return TfliteWriter(plan, texts)

    return export_bundle(
        model,
        Path(output),
        writer_for,
        task=None if task is None else find_task(task),
        framework="tf",
        fidelity=fidelity,
        allow_random_head=allow_random_head,
        force=force,
        progress=progress,
    )


def _fidelity(
    max_drop: float | None, eval_data: str | Path | None, calibration_data: str | Path | None
) -> tuple[Fidelity, list[Text]]:
    """What a graph must keep, and typical inputs to make it by."""
    budget = Budget.of(max_drop)
    own = [] if calibration_data is None else read_calibration_texts(calibration_data)
    data = None if eval_data is None else Path(eval_data)
    return Fidelity(budget, data, own), own or calibration_corpus()
