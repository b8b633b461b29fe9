"""Job: one checkpoint that becomes one graph. Graph: what was made of it. Writer: what makes it, in one format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from albert_export.checkpoints import Checkpoint
from albert_export.quantization.recipes import Recipe
from albert_export.utils.terminal import Progress
from albert_runtime import AlbertTokenizer
from albert_runtime.tasks import Task


@dataclass(frozen=True)
class Job:
    """What a graph is made from."""

    checkpoint: Checkpoint
    task: Task
    #: the reference model in float32; not to be changed, since the graph is compared with it
    reference: Any
    tokenizer: AlbertTokenizer
    #: of the reference: "torch" or "tf"
    framework: str
    allow_random_head: bool
    progress: Progress

    @property
    def vocabulary(self) -> Path:
        """The SentencePiece model."""
        assert self.checkpoint.vocab_file is not None  # `load_tokenizer` has seen to it
        return self.checkpoint.vocab_file

    @property
    def labels(self) -> list[str]:
        """What each label output stands for; empty for tasks without labels."""
        return list(self.checkpoint.labels_for(self.task.name))


@dataclass(frozen=True, kw_only=True)
class Graph:
    """What was written into the bundle's folder; the fields go into its manifest."""

    model_file: str
    precision: str
    #: distributions that took part
    tools: tuple[str, ...]
    opset: int | None = None
    sequence_length: int | None = None
    target: str = ""
    quantized: dict[str, Any] = field(default_factory=dict)


class Writer(Protocol):
    """Makes one format's graph for a job, by any recipe."""

    @property
    def model_format(self) -> str:
        """ "onnx" or "tflite"."""
        ...

    @property
    def precision(self) -> str:
        """Of the graph."""
        ...

    def applies(self, job: Job, recipe: Recipe, recipes: Sequence[Recipe]) -> str:
        """Empty, or why the recipe gives nothing new for the job's model, beside the others of `recipes`."""
        ...

    def write(self, job: Job, recipe: Recipe, folder: Path) -> Graph:
        """Writes the graph into `folder`, in place of an older one."""
        ...
