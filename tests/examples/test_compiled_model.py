"""The engine for CompiledModel gives the runtime's answers, and refuses the graph that it can't run safely.

It runs in processes of its own, because a graph that should have been refused would corrupt their memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import albert_runtime
from tests.conftest import DemoBundleOf

EXAMPLE = Path(__file__).parents[2] / "examples" / "compiled_model.py"

pytestmark = pytest.mark.slow


def ask(bundle: Path, **request: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE), str(bundle), json.dumps(request)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_gives_the_answer_of_the_runtime(demo_bundle_of: DemoBundleOf) -> None:
    bundle = demo_bundle_of("tflite", "question-answering", "fp32")
    request = {"question": "Who is in Rome?", "context": "Clara is in Rome. Paul is in Oslo."}
    done = ask(bundle, **request)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(albert_runtime.load(bundle)(**request))


def test_outputs_of_a_loop_with_dynamic_shapes_are_refused(demo_bundle_of: DemoBundleOf) -> None:
    done = ask(demo_bundle_of("tflite", "feature-extraction", "fp32"), text="Rome")
    assert done.returncode == 1
    assert "last_hidden_state comes out of a loop" in done.stderr
    assert "--sequence-length N" in done.stderr
