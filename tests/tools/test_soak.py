"""A short soak: threads and forked processes that share a session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CheckpointOf
from tests.virtual_environment import ROOT


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sizes of processes are read from /proc")
@pytest.mark.parametrize("model_format", ["onnx", "tflite"])
def test_three_seconds_of_threads_and_forks(
    model_format: str, bundle_of: CheckpointOf, tflite_bundle_of: CheckpointOf, tmp_path: Path
) -> None:
    bundle = (bundle_of if model_format == "onnx" else tflite_bundle_of)("question-answering")
    requests = [
        {"question": "Where does Ada live?", "context": f"Ada lives in {word}. " + "She likes music. " * (number * 2)}
        for number, word in enumerate(("Paris", "Rome", "Berlin", "London"))
    ]
    (tmp_path / "requests.json").write_text(json.dumps(requests))
    # It is a process of its own: this one has loaded other native libraries, whose threads a fork loses.
    command = [sys.executable, "-m", "tools.soak", str(bundle), str(tmp_path / "requests.json")]
    done = subprocess.run(
        [*command, "--seconds", "3", "--most-growth", "10"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 0 wrong") == 2
