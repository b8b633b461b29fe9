"""ExportPreview: what an export would make, known before a model is built; `preview_export` finds it."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albert_converters.tokenizer.files import write_tokenizer
from albert_export.checkpoints import Checkpoint
from albert_export.checkpoints.weight_names import is_encoder_weight
from albert_export.export.context import ExportOptions, GraphPreview
from albert_export.quantization.recipes import recipes_for
from albert_export.tasks import task_spec
from albert_runtime import AlbertTokenizer
from albert_runtime.bundle import CONFIG_FILE, MANIFEST_FILE
from albert_runtime.tasks import BATCH, CHOICES, MASKED, SEQUENCE, Task

#: the model card
_CARD = "README.md"
#: precision -> bytes of a number in a large matrix, with the scales of its channels or blocks
_BYTES = {"fp32": 4.0, "fp16": 2.0, "int8": 1.02, "int8-static": 1.02, "int4": 0.6}
#: the parts of a graph that int4 leaves in 8 bits: all but the shared layers and the pooler
_IN_4_BITS = ("albert.encoder.albert_layer_groups.", "albert.pooler.")
#: format -> the tables of embeddings that stay in float, since they have few rows
_FLOAT_TABLES = {"onnx": ("token_type_embeddings",), "tflite": ("token_type_embeddings", "position_embeddings")}
#: smaller matrices stay in float, as biases and normalizations do
_LARGE = 4096
#: format -> about how many bytes the operators and names of a graph take, and how many more those that quantize
_OPERATORS = {"onnx": (15_000, 35_000), "tflite": (30_000, 50_000)}


@dataclass(frozen=True, kw_only=True)
class ExportPreview:
    """What an export would make. Sizes of axes are names where they are dynamic."""

    bundle: Path
    #: the names of the files, in order
    files: tuple[str, ...]
    model: Path
    task: str
    architecture: str
    labels: tuple[str, ...]
    precision: str
    graph: GraphPreview
    #: input name -> the size of each axis
    inputs: dict[str, tuple[str | int, ...]]
    #: output name -> the size of each axis
    outputs: dict[str, tuple[str | int, ...]]
    #: the most tokens in a sequence
    max_length: int
    #: of the graph's file: the weights, in the first recipe's precision, and an allowance for the operators
    estimated_model_bytes: int
    #: of all other files but the manifest and the model card
    other_bytes: int
    #: the names of the recipes, in the order in which they are tried until one keeps the answers
    recipes: tuple[str, ...]
    #: the same for the other precisions of the bundle
    variants: tuple[ExportPreview, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The preview as JSON types, with "dry_run": true."""
        values = {**vars(self), "graph": dataclasses.asdict(self.graph)}
        del values["variants"]
        values |= {"variants": [one.to_dict() for one in self.variants]} if self.variants else {}
        return {"dry_run": True, **values, "bundle": str(self.bundle), "model": str(self.model)}


class _PreviewMadeError(Exception):
    """Ends an export when its preview is made."""


def preview_export(export: Callable[..., Any], *arguments: Any, **options: Any) -> ExportPreview:
    """What `export_onnx` or `export_tflite` would make of the same arguments. Nothing is built or written.

    Raises:
        Exception: what the export raises before it builds a model.
    """
    made: list[ExportPreview] = []

    def stop(preview: ExportPreview) -> None:
        made.append(preview)
        raise _PreviewMadeError

    with contextlib.suppress(_PreviewMadeError):
        export(*arguments, **options, preview=stop)
    return made[0]


def preview_of(
    output: Path,
    checkpoint: Checkpoint,
    task: Task,
    tokenizer: AlbertTokenizer | None,
    options: ExportOptions,
    *,
    max_length: int,
    allow_random_head: bool,
    model_file: str | None = None,
) -> ExportPreview:
    """The preview of an export whose arguments have been checked.

    `model_file` is the name of the graph's file in the bundle; None means the one that the exporter gives it.

    Raises:
        UnsupportedError: the checkpoint has no head for the task, and may not get a random one; or it has a vocabulary
            that can't be written to a bundle.
    """
    if not allow_random_head:
        checkpoint.refuse_no_head(task.name)
    graph = options.preview()
    graph = dataclasses.replace(graph, model_file=model_file or graph.model_file)
    static = graph.sequence_length
    sizes: dict[str, int] = {} if static is None else {BATCH: 1, CHOICES: 1, SEQUENCE: static}
    config = checkpoint.config
    sizes |= {"hidden_size": config.hidden_size, "vocab_size": config.vocab_size, "num_labels": config.num_labels}
    sizes |= {"2": 2}  # the order of two texts
    others = _other_files(checkpoint, tokenizer)
    return ExportPreview(
        bundle=output,
        files=tuple(sorted({graph.model_file, MANIFEST_FILE, _CARD, *others})),
        model=checkpoint.folder,
        task=task.name,
        architecture=task.architecture,
        labels=checkpoint.labels_for(task.name),
        precision=options.precision,
        graph=graph,
        inputs={
            graph.input_names.get(name, name): tuple(sizes.get(axis, axis) for axis in axes)
            for name, axes in task.inputs().items()
        },
        outputs={
            graph.output_names.get(name, name): tuple(sizes.get(axis, axis) for axis in axes)
            for name, axes in task.outputs.items()
        },
        max_length=min(max_length, static or max_length),
        estimated_model_bytes=_model_bytes(checkpoint, task, options.precision, graph.model_format),
        other_bytes=sum(others.values()),
        recipes=tuple(recipe.name for recipe in recipes_for(graph.model_format, options.precision)),
    )


def _other_files(checkpoint: Checkpoint, tokenizer: AlbertTokenizer | None) -> dict[str, int]:
    """The names and sizes of the configuration and of the tokenizer's files, which are written to find out."""
    sizes = {CONFIG_FILE: len(repr(checkpoint.config.to_dict()))}
    if tokenizer is None:
        return sizes
    with tempfile.TemporaryDirectory() as folder:
        write_tokenizer(tokenizer, Path(folder))
        return sizes | {file.name: file.stat().st_size for file in Path(folder).iterdir()}


def _model_bytes(checkpoint: Checkpoint, task: Task, precision: str, model_format: str) -> int:
    """About how many bytes the operators take, and the weights that the task uses."""
    head = task_spec(task).head
    # An output for a whole sequence is computed from the pooler.
    pooled = ("albert.pooler.",) if any(not {SEQUENCE, MASKED} & {*axes} for axes in task.outputs.values()) else ()
    operators, more = _OPERATORS[model_format]
    return (operators if precision in ("fp32", "fp16") else operators + more) + round(
        sum(
            array.size * _bytes_per_number(name, array.shape, precision, model_format)
            for name, array in checkpoint.weights.items()
            if is_encoder_weight(name) or name.startswith((*head, *pooled))
        )
    )


def _bytes_per_number(name: str, shape: tuple[int, ...], precision: str, model_format: str) -> float:
    if precision == "fp16":
        return _BYTES["fp16"]
    is_table = any(f".{table}." in name for table in _FLOAT_TABLES[model_format])
    if is_table or len(shape) < 2 or math.prod(shape) < _LARGE:
        return _BYTES["fp32"]
    return _BYTES["int8" if precision == "int4" and not name.startswith(_IN_4_BITS) else precision]
