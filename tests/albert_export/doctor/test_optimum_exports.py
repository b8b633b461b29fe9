"""Files that optimum-onnx makes of an albert-base are diagnosed, and mended without a change to their answers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from albert_export.doctor.diagnose import diagnose
from albert_export.doctor.repair import repair
from tests.virtual_environment import new_environment
from tools.make_optimum_exports import REQUIREMENTS, OptimumExports, make_optimum_exports

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> OptimumExports:
    """Made by the environment of ALBERT_OPTIMUM_PYTHON, or by a new one."""
    folder = tmp_path_factory.mktemp("optimum")
    python = os.environ.get("ALBERT_OPTIMUM_PYTHON") or new_environment(
        folder / "environment", REQUIREMENTS, may_lack="optimum-onnx"
    )
    return make_optimum_exports(folder, python)


def test_optimized(exports: OptimumExports, tmp_path: Path) -> None:
    """-O3 packs query, key and value anew for each pass of the shared layer."""
    repaired = repair(exports.optimized, tmp_path / "mended.onnx")
    assert repaired.before.file_bytes > 115e6
    faults = {finding.name: finding for finding in repaired.before.faults}
    assert set(faults) == {"duplicated-weights", "packed-copies"}
    assert faults["duplicated-weights"].wasted_bytes > 70e6
    assert repaired.after.file_bytes <= 46e6
    assert repaired.after.faults == ()
    assert repaired.proof.requests == 4
    assert repaired.proof.max_difference <= 1e-6


def test_quantized(exports: OptimumExports, tmp_path: Path) -> None:
    """The quantizer sees Identity in place of the shared weights, and takes them for activations."""
    repaired = repair(exports.quantized, tmp_path / "mended.onnx")
    assert repaired.before.file_bytes > 35e6
    faults = {finding.name: finding for finding in repaired.before.faults}
    assert set(faults) == {"hidden-weights", "claims-int8"}
    assert "8 of 98 matrix products hold quantized weights" in faults["claims-int8"].what
    assert repaired.after.file_bytes <= 20e6
    assert repaired.after.faults == ()
    assert repaired.proof.max_difference <= 1e-6


def test_plain(exports: OptimumExports) -> None:
    assert [finding.name for finding in diagnose(exports.plain).faults] == ["hidden-weights"]
