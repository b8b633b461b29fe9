"""The JavaScript package gives the answers of golden vectors, and passes its own tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from albert_export.cli.main import main
from albert_export.demos import demo_checkpoint
from albert_export.export import export_onnx
from albert_runtime.tasks import TASKS
from tests.conftest import DemoBundleOf
from tests.runtime_js.javascript_package import PACKAGE, needs, node

pytestmark = [pytest.mark.node, pytest.mark.slow]


def test_the_tests_of_the_package_with_vectors_of_all_tasks(demo_bundle_of: DemoBundleOf, tmp_path: Path) -> None:
    needs("vitest")
    (tmp_path / "bundles").mkdir()
    masked = export_onnx(demo_checkpoint("fill-mask"), tmp_path / "masked", task="fill-mask", head="masked").folder
    order = export_onnx(demo_checkpoint("pretraining"), tmp_path / "order", task="pretraining", head="sentence-order")
    bundles = {task: demo_bundle_of("onnx", task, "fp32") for task in TASKS} | {"masked": masked, "order": order.folder}
    for name, bundle in bundles.items():
        (tmp_path / "vectors" / name).mkdir(parents=True)
        (tmp_path / "bundles" / name).symlink_to(bundle)
        assert main(["vectors", str(bundle), "-o", str(tmp_path / "vectors" / name / "vectors.json")]) == 0
    environment = {
        **os.environ,
        "ALBERT_VECTORS": str(tmp_path / "vectors"),
        "ALBERT_BUNDLES": str(tmp_path / "bundles"),
    }
    done = subprocess.run(
        [node(), str(PACKAGE / "node_modules" / "vitest" / "vitest.mjs"), "run"],
        cwd=PACKAGE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
