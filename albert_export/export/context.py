"""What the export pipeline and the exporters of each format share: options, context, exporter and exported graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from albert_export.checkpoints import Checkpoint
from albert_export.quantization.calibration import calibration_id_samples, calibration_samples
from albert_export.quantization.recipes import Recipe
from albert_export.samples.masked_positions import with_every_position
from albert_export.samples.sample_texts import SampleTexts, texts_for
from albert_export.samples.texts import Text
from albert_export.utils.terminal import Progress
from albert_runtime import AlbertTokenizer
from albert_runtime.tasks import Task


@dataclass(frozen=True, kw_only=True)
class ExportContext:
    """The model that is exported, and everything else that an exporter needs to know about it."""

    checkpoint: Checkpoint
    task: Task
    #: the reference model in float32; it must not be changed, since every graph is compared with it
    reference: Any
    #: None for a bundle without a tokenizer, which takes token ids
    tokenizer: AlbertTokenizer | None
    #: the framework of the reference: "torch" or "tf"
    framework: str
    #: typical inputs: the user's own, or the bundled ones that fit the vocabulary; without a tokenizer, lines of ids or
    #: nothing
    calibration_texts: Sequence[Text]
    allow_random_head: bool
    progress: Progress
    #: the manifest fields that `request_settings` finds; they may allow fewer tokens than `max_length`
    request_settings: dict[str, Any]

    def calibration_samples(
        self, *, longest: int, sequence_length: int | None = None
    ) -> list[dict[str, NDArray[np.int64]]]:
        """Typical inputs of the graph; see `albert_export.quantization.calibration`."""
        if self.tokenizer is None:  # no graph that takes more than ids is exported so
            return calibration_id_samples(
                self.calibration_texts,
                self.checkpoint.config.to_dict(),
                self.task,
                longest=longest,
                sequence_length=sequence_length,
            )
        samples = calibration_samples(
            self.calibration_texts, self.tokenizer, self.task, longest=longest, sequence_length=sequence_length
        )
        return [with_every_position(self.task, sample) for sample in samples]

    @cached_property
    def samples(self) -> SampleTexts:
        """The bundled texts that fit the vocabulary; English ones, if there is no tokenizer to read them."""
        return texts_for(self.tokenizer)

    @property
    def labels(self) -> list[str]:
        """The name of each label output; empty for tasks without labels."""
        return list(self.checkpoint.labels_for(self.task.name))

    @property
    def max_length(self) -> int:
        """The largest number of tokens that the model takes."""
        return self.checkpoint.config.max_position_embeddings


@dataclass(frozen=True, kw_only=True)
class ExportedGraph:
    """The graph that an exporter wrote into the bundle's folder. All fields but `tools` go into the manifest."""

    model_file: str
    precision: str
    #: names of the Python distributions that made the graph; the manifest records their versions
    tools: tuple[str, ...]
    opset: int | None = None
    sequence_length: int | None = None
    target: str = ""
    quantized: dict[str, Any] = field(default_factory=dict)


class Exporter(Protocol):
    """Writes the graph of one context in one format, by any recipe."""

    @property
    def model_format(self) -> str:
        """ "onnx" or "tflite"."""
        ...

    @property
    def precision(self) -> str:
        """The precision of the graph's weights."""
        ...

    @property
    def tokens_until_outliers(self) -> int:
        """The number of tokens that the reference runs to find the outlier channels; 0 once they are found."""
        ...

    def reason_to_skip(self, recipe: Recipe, recipes: Sequence[Recipe]) -> str:
        """Why `recipe` would make the same graph as another of `recipes`; empty if it makes a new one."""
        ...

    def write(self, recipe: Recipe, folder: Path) -> ExportedGraph:
        """Writes the graph that `recipe` makes into `folder`."""
        ...


@dataclass(frozen=True, kw_only=True)
class GraphPreview:
    """What is known about a graph before it is written."""

    #: "onnx" or "tflite"
    model_format: str
    model_file: str
    opset: int | None = None
    target: str = ""
    #: "loop" or "unrolled" for TFLite; an ONNX graph has the shared layer once for each pass, and its weights once
    graph: str = "unrolled"
    sequence_length: int | None = None
    #: name in `albert_runtime.tasks` -> name in the graph, where they differ
    input_names: dict[str, str] = field(default_factory=dict)
    output_names: dict[str, str] = field(default_factory=dict)


class ExportOptions(Protocol):
    """The choices for one format. They are validated when they are made, before the reference model is built."""

    @property
    def precision(self) -> str:
        """The precision of the graph's weights."""
        ...

    @property
    def framework(self) -> str:
        """The framework that computes the reference: "torch" or "tf"."""
        ...

    def exporter_for(self, context: ExportContext) -> Exporter:
        """The exporter that follows these options for `context`."""
        ...

    def preview(self) -> GraphPreview:
        """What is known about the graph before it is written."""
        ...
