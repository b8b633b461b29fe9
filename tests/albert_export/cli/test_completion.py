"""Bash completes commands, and the values of --task, --head, --precision and --target."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
eval "$(_ALBERT_EXPORT_COMPLETE=bash_source albert-export)"
complete -p albert-export >&2
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_albert_export_completion albert-export
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which `albert-export` is on the path."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash: install it to test its completion")
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "albert-export"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m albert_export "$@"\n')
    program.chmod(0o755)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ex"], ["export"]),
        (["export", ""], ["onnx", "tflite"]),
        (["onnx", "--task", "q"], ["question-answering", "qa"]),
        (["evaluate", "--task", "text"], ["text-classification"]),
        (["onnx", "--precision", ""], ["fp32", "fp16", "int8", "int4", "int8-static"]),
        (["onnx", "--precision", "q"], ["q8", "q4"]),
        (["onnx", "--head", ""], ["sentence-order", "masked"]),
        (["tflite", "--task", "mlm", "--head", ""], ["masked"]),
        (["tflite", "--task", "mlm+sop", "--head", "s"], ["sentence-order"]),
        (["export", "tflite", "--target", "t"], ["tflite-runtime", "task-library"]),
        (["tflite", "--dev"], ["--device"]),
    ],
    ids=str,
)
def test_bash(environment: dict[str, str], tmp_path: Path, words: list[str], offered: list[str]) -> None:
    command = ["bash", "-c", _SCRIPT, "bash", "albert-export", *words]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "_albert_export_completion albert-export" in done.stderr
    assert done.stdout.split() == offered
