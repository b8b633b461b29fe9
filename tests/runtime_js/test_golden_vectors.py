"""The JavaScript package gives the answers of golden vectors, and passes its own tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from albert_export.cli.main import main
from albert_runtime.tasks import TASKS
from tests.conftest import DemoBundleOf
from tests.runtime_js.javascript_package import PACKAGE, needs, node

pytestmark = [pytest.mark.node, pytest.mark.slow]


def test_the_tests_of_the_package_with_vectors_of_all_tasks(demo_bundle_of: DemoBundleOf, tmp_path: Path) -> None:
    needs("vitest")
    (tmp_path / "bundles").mkdir()
    for task in TASKS:
        (tmp_path / "vectors" / task).mkdir(parents=True)
        bundle = demo_bundle_of("onnx", task, "fp32")
        (tmp_path / "bundles" / task).symlink_to(bundle)
        assert main(["vectors", str(bundle), "-o", str(tmp_path / "vectors" / task / "vectors.json")]) == 0
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
