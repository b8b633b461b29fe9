"""Tiny random ALBERTs and their bundles, each made once in a test run, and only if a test asks for it."""

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


#: what exports models, trains them or runs TensorFlow: `make quick` leaves it out
_EXPORTING_TESTS = (
    "albert_export/export/",
    "albert_export/reference/",
    "converters/onnx/export/",
    "converters/tflite/test_convert.py",
    "parity/",
    "test_demo_bundles.py",
    "test_tflite_demos.py",
    "tools/",
)
_EXPORTING_FIXTURES = {"tflite_bundle_of", "demo_bundle_of"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the marker `export` to the tests of the folders and fixtures above."""
    for item in items:
        path = item.path.relative_to(Path(__file__).parent).as_posix()
        exports = path.startswith(_EXPORTING_TESTS) or _EXPORTING_FIXTURES & set(getattr(item, "fixturenames", ()))
        if exports:
            item.add_marker("export")


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
    """Task -> the folder of a tiny random checkpoint. Shared: don't write into it."""
    made: dict[str, Path] = {}

    def make(task: str) -> Path:
        if task not in made:
            made[task] = save_tiny(tmp_path_factory.mktemp("checkpoint") / task, task)
        return made[task]

    return make


@pytest.fixture(scope="session")
def bundle_of(tmp_path_factory: pytest.TempPathFactory, checkpoint_of: CheckpointOf) -> CheckpointOf:
    """Task -> the folder of the bundle exported from `checkpoint_of`. Shared: don't write into it."""
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
    """Task -> the folder of the fp32 TFLite bundle exported from `checkpoint_of`. Shared: don't write into it."""
    made: dict[str, Path] = {}

    def make(task: str) -> Path:
        if task not in made:
            from albert_export.export import export_tflite

            made[task] = tmp_path_factory.mktemp("tflite") / task
            export_tflite(checkpoint_of(task), made[task], precision="fp32")
        return made[task]

    return make
