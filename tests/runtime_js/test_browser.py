"""LiteRT.js and onnxruntime-web answer in Chromium as the Python runtime does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import albert_runtime
from albert_export.demos import demo_checkpoint, demo_examples
from albert_export.export import export_tflite
from tests.conftest import DemoBundleOf
from tests.runtime_js.javascript_package import PACKAGE, needs, node

pytestmark = [pytest.mark.node, pytest.mark.slow]

_TASK = "text-classification"


def test_static_tflite_and_onnx_in_chromium(demo_bundle_of: DemoBundleOf, tmp_path: Path) -> None:
    script = node()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is absent; install it: apt-get install chromium")
    for package in ("playwright-core", "esbuild", "@litertjs/core", "onnxruntime-web"):
        needs(package)
    static = tmp_path / "static"
    export_tflite(demo_checkpoint(_TASK), static, task=_TASK, precision="fp32", sequence_length=64)
    bundles = {
        "litert": static,
        "onnx": demo_bundle_of("onnx", _TASK, "fp32"),
        "dynamic": demo_bundle_of("tflite", _TASK, "fp32"),
    }
    texts = [example.inputs["text"] for example in demo_examples(_TASK)]
    job = {"chromium": chromium, "bundles": {name: str(path) for name, path in bundles.items()}, "texts": texts}
    done = subprocess.run(
        [script, str(PACKAGE / "tools" / "answer-in-browser.mjs")],
        cwd=PACKAGE,
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    for name in ("litert", "onnx"):
        session = albert_runtime.load(bundles[name])
        for text, got in zip(texts, found[name]["answers"], strict=True):
            wanted = [label.to_dict() for label in session(text)]
            assert [one["label"] for one in got] == [one["label"] for one in wanted]
            assert [one["score"] for one in got] == pytest.approx([one["score"] for one in wanted], abs=1e-4)
        assert found[name]["progress"] > 0
    assert found["dynamic"]["error"].startswith("UnsupportedError: model.tflite takes texts of any length")
    assert "--sequence-length" in found["dynamic"]["error"]
