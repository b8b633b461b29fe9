"""New virtual environments, for tests that need other packages than this environment has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from albert_export.demos import demo_examples

_ANSWER_ALL = """
import json, sys
request = json.loads(sys.stdin.read())
sys.path[:0] = request["path"]
import albert_runtime
from demo_answers import is_right
wrong, engines = [], []
for task, folder in request["bundles"].items():
    session = albert_runtime.load(folder)
    engines.append(f"{session.engine.name} {session.engine.version}")
    for inputs, expected in request["examples"][task]:
        if not is_right(session, inputs, expected):
            wrong.append([task, inputs])
print(json.dumps({"wrong": wrong, "engines": engines, "modules": sorted(sys.modules)}))
"""


def new_environment(folder: Path, requirements: Sequence[str], *, may_lack: str) -> str:
    """Creates an environment in `folder` with `requirements`, the arguments of `pip install`; returns its Python.

    Skips the test if the package `may_lack` can't be installed, since it may not exist for this Python or system.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    installed = run_in(python, "-m", "pip", "install", "--quiet", *requirements)
    if installed.returncode != 0 and may_lack in installed.stderr:
        reason = installed.stderr.splitlines()[-1]
        pytest.skip(f"{may_lack} can't be installed into a new environment here: {reason}")
    assert installed.returncode == 0, installed.stderr
    return python


def run_in(python: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs the environment's Python in isolation from this environment."""
    return subprocess.run([python, "-I", *arguments], input=stdin, capture_output=True, text=True, check=False)


def answer_demos(python: str, bundles: Mapping[str, Path], *, sources: Sequence[Path] = ()) -> dict[str, Any]:
    """Answers the demo examples of each task with its bundle, in the environment.

    Args:
        python: the Python of the environment.
        bundles: task -> its bundle.
        sources: folders of packages that are not installed there.

    Returns:
        "wrong": [task, inputs] of each example with a wrong answer; "engines": the engine of each bundle; "modules":
        the names of all modules that were imported.
    """
    request = {
        "path": [str(Path(__file__).parent), *map(str, sources)],
        "bundles": {task: str(folder) for task, folder in bundles.items()},
        "examples": {task: [[one.inputs, one.expected] for one in demo_examples(task)] for task in bundles},
    }
    answered = run_in(python, "-c", _ANSWER_ALL, stdin=json.dumps(request))
    assert answered.returncode == 0, answered.stderr
    result: dict[str, Any] = json.loads(answered.stdout)
    return result
