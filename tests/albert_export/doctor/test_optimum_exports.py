"""Files that optimum-onnx makes of an albert-base are diagnosed, and repaired without a change to their answers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from albert_export.doctor.diagnose import diagnose
from albert_export.doctor.repair import repair
from tests.virtual_environment import new_environment
from tools.make_optimum_exports import REQUIREMENTS, OptimumExports, make_optimum_exports

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OptimumExports]:
    """Export with the environment of ALBERT_OPTIMUM_PYTHON, or with a new one."""
    folder = tmp_path_factory.mktemp("optimum")
    python = os.environ.get("ALBERT_OPTIMUM_PYTHON") or new_environment(
        folder / "environment", REQUIREMENTS, may_lack="optimum-onnx"
    )
    made = make_optimum_exports(folder, python)
    shutil.rmtree(folder / "environment", ignore_errors=True)  # it has more than a gigabyte
    yield made
    shutil.rmtree(folder)


def test_optimized(exports: OptimumExports, tmp_path: Path) -> None:
    """-O3 packs query, key and value anew for each pass of the shared layer."""
    report = repair(exports.optimized, tmp_path / "repaired.onnx")
    assert report.before.file_bytes > 115e6
    errors = {result.name: result for result in report.before.errors}
    assert set(errors) == {"duplicated-weights", "packed-copies"}
    assert errors["duplicated-weights"].wasted_bytes > 70e6
    assert report.after.file_bytes <= 46e6
    assert report.after.errors == ()
    assert report.equivalence.requests == 4
    assert report.equivalence.max_difference <= 1e-6


def test_quantized(exports: OptimumExports, tmp_path: Path) -> None:
    """The quantizer sees Identity in place of the shared weights, and takes its output for activations."""
    report = repair(exports.quantized, tmp_path / "repaired.onnx")
    assert report.before.file_bytes > 35e6
    errors = {result.name: result for result in report.before.errors}
    assert set(errors) == {"hidden-weights", "claims-int8"}
    assert "8 of 98 matmuls have quantized weights" in errors["claims-int8"].what
    assert report.after.file_bytes <= 20e6
    assert report.after.errors == ()
    assert report.equivalence.max_difference <= 1e-6


def test_plain(exports: OptimumExports) -> None:
    assert [result.name for result in diagnose(exports.plain).errors] == ["hidden-weights"]
