"""Tiny random ALBERTs and their bundles. A test run makes each of them at most once, when a test needs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from albert_runtime.tasks import TASKS

VOCABULARY = Path(__file__).parent / "fixtures" / "albert" / "spiece.model"
TINY = {
    "vocab_size": 30000,
    "embedding_size": 8,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 48,
    "num_hidden_layers": 3,
    "initializer_range": 0.3,
}

CheckpointOf = Callable[[str], Path]


def save_tiny(folder: Path, task: str, **options: object) -> Path:
    """Saves a random tiny checkpoint for `task`, with its vocabulary, into `folder`."""
    import torch

    import albert_export
    from albert_export.config import AlbertConfig

    architecture = TASKS[task].architecture
    model_class = getattr(albert_export, architecture)
    torch.manual_seed(len(task))
    model_class(AlbertConfig(**{**TINY, **options})).save_pretrained(folder)
    shutil.copy(VOCABULARY, folder)
    return folder


@pytest.fixture(scope="session")
def checkpoint_of(tmp_path_factory: pytest.TempPathFactory) -> CheckpointOf:
    """A function of the task: the folder of a tiny random checkpoint. Tests share it and must not write into it."""
    made: dict[str, Path] = {}

    def make(task: str) -> Path:
        if task not in made:
            made[task] = save_tiny(tmp_path_factory.mktemp("checkpoint") / task, task)
        return made[task]

    return make


@pytest.fixture(scope="session")
def bundle_of(tmp_path_factory: pytest.TempPathFactory, checkpoint_of: CheckpointOf) -> CheckpointOf:
    """A function of the task: the ONNX bundle of `checkpoint_of`. Tests share it and must not write into it."""
    made: dict[str, Path] = {}

    def make(task: str) -> Path:
        if task not in made:
            from albert_export.export import export_onnx

            made[task] = tmp_path_factory.mktemp("bundle") / task
            export_onnx(checkpoint_of(task), made[task])
        return made[task]

    return make


@pytest.fixture(scope="session")
def tflite_bundle_of(tmp_path_factory: pytest.TempPathFactory, checkpoint_of: CheckpointOf) -> CheckpointOf:
    """A function of the task: the fp32 TFLite bundle of `checkpoint_of`. Tests share it and must not write into it."""
    made: dict[str, Path] = {}

    def make(task: str) -> Path:
        if task not in made:
            from albert_export.export import export_tflite

            made[task] = tmp_path_factory.mktemp("tflite") / task
            export_tflite(checkpoint_of(task), made[task], precision="fp32")
        return made[task]

    return make
