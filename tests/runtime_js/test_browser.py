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
from tests.clients.rows import Record, Row
from tests.conftest import DemoBundleOf
from tests.runtime_js.javascript_package import PACKAGE, needs, node, version

pytestmark = [pytest.mark.node, pytest.mark.slow]

_TASK = "text-classification"
_LITERT = "@litertjs/core"
#: bundle of the job -> the largest difference of a score
_TOLERANCE = {"litert": 1e-4, "litert-int8": 0.05, "onnx": 1e-4}


@pytest.mark.clients
def test_static_tflite_and_onnx_in_chromium(demo_bundle_of: DemoBundleOf, tmp_path: Path, record: Record) -> None:
    script = node()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is absent; install it: apt-get install chromium")
    for package in ("playwright-core", "esbuild", _LITERT, "onnxruntime-web"):
        needs(package)
    static = {precision: tmp_path / precision for precision in ("fp32", "int8")}
    for precision, folder in static.items():
        export_tflite(demo_checkpoint(_TASK), folder, task=_TASK, precision=precision, sequence_length=64)
    bundles = {
        "litert": static["fp32"],
        "litert-int8": static["int8"],
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

    for name, tolerance in _TOLERANCE.items():
        session = albert_runtime.load(bundles[name])
        for text, got in zip(texts, found[name]["answers"], strict=True):
            wanted = [label.to_dict() for label in session(text)]
            assert [one["label"] for one in got] == [one["label"] for one in wanted]
            assert [one["score"] for one in got] == pytest.approx([one["score"] for one in wanted], abs=tolerance)
        assert found[name]["progress"] > 0
    assert found["dynamic"]["error"].startswith("UnsupportedError: model.tflite takes texts of any length")
    assert "--sequence-length" in found["dynamic"]["error"]

    refused = "It can't change the length of a graph's inputs; export with --sequence-length."
    record(Row(_LITERT, version(_LITERT), _TASK, "tflite", "fp32", False, None, refused))
    for precision, name in (("fp32", "litert"), ("int8", "litert-int8")):
        note = f"In Chromium with WebAssembly. Scores differ by less than {_TOLERANCE[name]}."
        record(Row(_LITERT, version(_LITERT), _TASK, "tflite, static length", precision, True, True, note))
