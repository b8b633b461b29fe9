"""Checkpoints in other languages and their bundles, each made once in a test run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.albert_export.languages.small_checkpoints import CASES, save_small
from tests.conftest import BuiltOnce

#: the most answers of a random model that may change; random logits are near ties more often than trained ones
MAX_DROP = 5


@pytest.fixture(params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The kind of tokenizer and the name of a model."""
    kind, name = request.param
    return kind, name


@pytest.fixture
def checkpoint(case: tuple[str, str], built_once: BuiltOnce) -> Path:
    """The checkpoint of `case`. Tests share it and must not write into it."""
    return built_once("languages/" + "-".join(case), lambda folder: save_small(folder, *case))


@pytest.fixture
def bundle_of(case: tuple[str, str], checkpoint: Path, built_once: BuiltOnce) -> Callable[[str, str], Path]:
    """A function of format and precision: the bundle of `checkpoint`."""
    from albert_export.export import export_onnx, export_tflite

    def make(model_format: str, precision: str) -> Path:
        export = export_onnx if model_format == "onnx" else export_tflite
        return built_once(
            f"languages/{'-'.join(case)}-{model_format}-{precision}",
            lambda folder: export(
                checkpoint, folder, precision=precision, max_drop=None if precision == "fp32" else MAX_DROP
            ),
        )

    return make
