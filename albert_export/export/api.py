"""The public functions `export_onnx` and `export_tflite`, which the commands `onnx` and `tflite` call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from albert_converters.extras import quantizer_module, require_packages
from albert_export.checkpoints import Checkpoint, ReadOptions
from albert_export.export.hub_layout import LAYOUTS
from albert_export.export.onnx_exporter import INTEGER_WEIGHTS, ONNX_FILE, ONNX_PRECISIONS, OnnxOptions
from albert_export.export.pipeline import Exported, export_bundle
from albert_export.export.preview import ExportPreview, preview_export
from albert_export.export.text_graph import check_text_graph_options
from albert_export.export.tflite_exporter import TFLITE_FILE, TfliteOptions
from albert_export.quantization.accuracy_options import AccuracyBudget, AccuracyOptions
from albert_export.quantization.calibration import read_calibration_texts
from albert_export.targets import find_target, make_plan
from albert_runtime.errors import UsageError
from albert_runtime.precisions import precision_name
from albert_runtime.tasks import Task, find_task

__all__ = [
    "ONNX_FILE", "ONNX_PRECISIONS", "TFLITE_FILE", "ExportPreview", "Exported", "export_onnx", "export_tflite",
    "preview_export",
]  # fmt: skip


def export_onnx(
    model: str | Path,
    output: str | Path,
    *,
    task: str | None = None,
    head: str | None = None,
    precision: str | Sequence[str] = "fp32",
    layout: str = "bundle",
    opset: int | None = None,
    processor: str | None = None,
    sequence_length: int | None = None,
    max_drop: float | None = None,
    eval_data: str | Path | None = None,
    calibration_data: str | Path | None = None,
    null_threshold: float | None = None,
    pooling: str | None = None,
    allow_random_head: bool = False,
    reading: ReadOptions | None = None,
    no_tokenizer: bool = False,
    with_tokenizer: bool = False,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
    preview: Callable[[ExportPreview], None] | None = None,
) -> Exported:
    """Exports a checkpoint to an ONNX bundle and verifies it against the PyTorch reference.

    Args:
        model: the folder of a Hugging Face or Google checkpoint, or its id on the hub (`resolve_checkpoint`).
        output: the folder to make. It appears complete, or not at all.
        task: name or alias; None takes the one head that the checkpoint was saved with.
        head: another head for the task, with the same weights: "masked" for fill-mask, whose graph is also given the
            places of the masks and scores the vocabulary there only; "sentence-order" for pretraining, whose graph has
            `sop_logits` alone. None takes the usual one.
        precision: "fp32"; "fp16" for weights and arithmetic in half precision; "int8" or "int4" for weights of 8 or 4
            bits and activations that are quantized at run time; "int8-static" for weights of 8 bits and activations
            with calibrated ranges. "q8", "q4", "half", "float16" and "float32" are other names for them. The graph's
            inputs are int64 and its outputs float32 in every precision. In the layout "hub" it may be a list of
            precisions; the first is opened by default, see `albert_runtime.load`.
        layout: "bundle"; or "hub" for the names and files that optimum, sentence-transformers and transformers.js look
            for, which hold a bundle too.
        opset: version of the ai.onnx operators; None means `DEFAULT_OPSET`.
        processor: "arm64", "avx2" or "avx512-vnni" for the range of integer weights that suits this processor best;
            None for weights that are right on all processors.
        sequence_length: number of tokens of a graph with static shapes, for engines that need them. It takes one
            sequence at a time, which the runtime pads. None means dynamic shapes.
        max_drop: the points of 100 that may be lost; see `export_tflite`.
        eval_data: a file of labelled examples, on which the loss is measured; see `export_tflite`.
        calibration_data: a text file with a typical input on each line; see `export_tflite`.
        null_threshold: when the answer to a question is by default that there is none; see `export_tflite`.
        pooling: for feature extraction, how an embedding is made of the tokens' vectors: "pooler", "cls", "mean" or
            "max". None takes what the checkpoint says; if it says nothing, the model's pooler, or in the layout "hub"
            the mean, because sentence-transformers has no pooler.
        allow_random_head: give random weights to a head that the checkpoint lacks, instead of refusing.
        reading: new names for weights of the checkpoint, and which to leave out.
        no_tokenizer: leave the tokenizer out, for a model that has none or whose tokenizer is not supported. The bundle
            takes token ids, `calibration_data` holds lines of ids, and everything is verified with ids drawn from the
            vocabulary.
        with_tokenizer: also write `model_with_tokenizer.onnx`, which takes texts and gives answers. It is one file, for
            ONNX Runtime with onnxruntime-extensions. On how many texts its token ids are the tokenizer's is measured.
        force: replace an older bundle at `output`.
        progress: called with a line about each step.
        preview: called with what will be made, before the model is built; what it raises ends the export. See
            `preview_export`.

    Raises:
        UsageError: an argument is wrong, there is no such task, or `output` exists.
        CheckpointError: the checkpoint cannot be read, or its parts do not fit each other; all problems at once.
        UnsupportedError: the checkpoint has no head for the task.
        DependencyError: torch, onnx or onnxruntime is missing.
        ConversionError, OperatorError: the model cannot be written as ONNX, or the file cannot be stored.
        ParityError: the exported graph computes something else than the reference; nothing is written.
        AccuracyError: no recipe keeps the answers within `max_drop`; nothing is written.
    """
    require_packages(("torch", "onnx", "onnxruntime"), "an export to ONNX", "onnx")
    if with_tokenizer:
        check_text_graph_options(no_tokenizer=no_tokenizer, opset=opset, layout=layout, sequence_length=sequence_length)
    accuracy = _accuracy_options(max_drop, eval_data, calibration_data)
    precisions = [precision] if isinstance(precision, str) else precision
    graphs = _onnx_graphs(precisions, layout, opset, processor, sequence_length)

    def options_for(checkpoint: Checkpoint, chosen: Task) -> list[OnnxOptions]:
        for options in graphs:
            options.check_length(checkpoint.config.max_position_embeddings, chosen)
        return graphs

    return export_bundle(
        model,
        Path(output),
        options_for,
        task=None if task is None else find_task(task),
        head=head,
        accuracy=accuracy,
        null_threshold=null_threshold,
        allow_random_head=allow_random_head,
        reading=reading,
        no_tokenizer=no_tokenizer,
        with_tokenizer=with_tokenizer,
        force=force,
        progress=progress,
        layout=layout,
        pooling=pooling,
        preview=preview,
    )


def export_tflite(
    model: str | Path,
    output: str | Path,
    *,
    task: str | None = None,
    head: str | None = None,
    target: str = "litert",
    precision: str | None = None,
    graph: str | None = None,
    sequence_length: int | None = None,
    max_drop: float | None = None,
    eval_data: str | Path | None = None,
    calibration_data: str | Path | None = None,
    null_threshold: float | None = None,
    pooling: str | None = None,
    allow_random_head: bool = False,
    reading: ReadOptions | None = None,
    no_tokenizer: bool = False,
    force: bool = False,
    progress: Callable[[str], None] = lambda step: None,
    preview: Callable[[ExportPreview], None] | None = None,
) -> Exported:
    """Exports a checkpoint to a TFLite bundle and verifies it against the TensorFlow reference.

    Args:
        model: the folder of a Hugging Face or Google checkpoint, or its id on the hub (`resolve_checkpoint`).
        output: the folder to make. It appears complete, or not at all.
        task: name or alias; None takes the one head that the checkpoint was saved with.
        head: another head for the task, with the same weights: "masked" for fill-mask, whose graph is also given the
            places of the masks and scores the vocabulary there only; "sentence-order" for pretraining, whose graph has
            `sop_logits` alone. None takes the usual one.
        target: the engine that is to run the graph, one of `TARGETS`: "litert", "tflite-runtime", "task-library"
            or "mediapipe".
        precision: one of the target's precisions; None means its default (int8 for litert, fp16 for the others).
        graph: "loop" keeps the shared layer once, in memory too; "unrolled" repeats it. None means a loop wherever
            the precision allows it.
        sequence_length: number of tokens of a graph with static shapes; None means dynamic shapes if the target
            supports them.
        max_drop: the points of 100 that may be lost: of the answers that equal the original's, and of the task's
            metric if `eval_data` is given. None means 1 and 0.5. It holds for all precisions but fp32, whose answers
            must be equal.
        eval_data: a file of labelled examples, see `albert_export.evaluation`. None measures the answers on a bundled
            corpus and the calibration data.
        calibration_data: a text file with a typical input on each line. It is used to find the ranges and outliers of
            activations, and to round 4-bit weights; None means a bundled corpus.
        null_threshold: for question answering, the bundle's default answer may be that there is none, if its score
            exceeds that of the best passage by this much; see `Manifest.null_threshold`. `evaluate` on SQuAD v2.0 data
            finds the best value. None means 0 if config.json says `version_2_with_negative`; otherwise the bundle's
            default is to answer always.
        pooling: for feature extraction, how an embedding is made of the tokens' vectors: "pooler", "cls", "mean" or
            "max". None takes what the checkpoint says; if it says nothing, the model's pooler, or in the layout "hub"
            the mean, because sentence-transformers has no pooler.
        allow_random_head: give random weights to a head that the checkpoint lacks, instead of refusing.
        reading: new names for weights of the checkpoint, and which to leave out.
        no_tokenizer: leave the tokenizer out, see `export_onnx`. The targets "task-library" and
            "mediapipe" need one.
        force: replace an older bundle at `output`.
        progress: called with a line about each step.
        preview: called with what will be made, before the model is built; what it raises ends the export. See
            `preview_export`.

    Raises:
        UsageError: an argument is wrong, there is no such task, or `output` exists; all problems at once.
        CheckpointError: the checkpoint cannot be read, or its parts do not fit each other; all problems at once.
        UnsupportedError: the checkpoint has no head for the task, or the target does not serve it.
        DependencyError: tensorflow, ai-edge-litert or litert-quantizer is missing.
        ConversionError: the model cannot be written as TFLite, or the file cannot be stored, or quantization changed
            nothing.
        OperatorError: the model needs an operator that TFLite lacks.
        ParityError: the exported graph computes something else than the reference; nothing is written.
        AccuracyError: no recipe keeps the answers within `max_drop`; nothing is written.
    """
    engine = find_target(target)
    require_packages(("tensorflow", "ai_edge_litert", quantizer_module()), "an export to TFLite", "litert")
    accuracy = _accuracy_options(max_drop, eval_data, calibration_data)
    if no_tokenizer and engine.text_library:
        raise UsageError(
            f"{engine.text_library} reads texts with the tokenizer in the file, so --target {target} and "
            "--no-tokenizer don't go together; choose --target litert or tflite-runtime"
        )

    def options_for(checkpoint: Checkpoint, chosen: Task) -> list[TfliteOptions]:
        plan = make_plan(
            engine, chosen, checkpoint.config, precision=precision, graph=graph, sequence_length=sequence_length
        )
        return [TfliteOptions(plan)]

    return export_bundle(
        model,
        Path(output),
        options_for,
        task=None if task is None else find_task(task),
        head=head,
        accuracy=accuracy,
        null_threshold=null_threshold,
        allow_random_head=allow_random_head,
        reading=reading,
        no_tokenizer=no_tokenizer,
        force=force,
        progress=progress,
        pooling=pooling,
        preview=preview,
    )


def _onnx_graphs(
    precisions: Sequence[str], layout: str, opset: int | None, processor: str | None, sequence_length: int | None
) -> list[OnnxOptions]:
    """The options of each graph.

    A processor is for the graphs with integer weights, if there are some.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"there is no layout {layout!r}; the layouts are: {', '.join(LAYOUTS)}")
    precisions = list(dict.fromkeys(map(precision_name, precisions)))
    if not precisions:
        raise UsageError(f"give at least one precision, one of {', '.join(ONNX_PRECISIONS)}")
    if len(precisions) > 1 and layout != "hub":
        raise UsageError(
            f"a bundle has one precision, and these are {len(precisions)}: {', '.join(precisions)}; give --layout hub, "
            "which has a graph for each, or export them one by one"
        )
    integers = [one for one in precisions if one in INTEGER_WEIGHTS]
    return [
        OnnxOptions(one, opset, processor if one in INTEGER_WEIGHTS or not integers else None, sequence_length)
        for one in precisions
    ]


def _accuracy_options(
    max_drop: float | None, eval_data: str | Path | None, calibration_data: str | Path | None
) -> AccuracyOptions:
    """The accuracy options that these arguments ask for; the calibration data is read at once."""
    return AccuracyOptions(
        AccuracyBudget.from_max_drop(max_drop),
        None if eval_data is None else Path(eval_data),
        () if calibration_data is None else read_calibration_texts(calibration_data),
    )
