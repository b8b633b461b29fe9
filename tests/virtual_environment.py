"""Virtual environments of their own, for tests of what runs where little is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from albert_export.demos import demo_examples

ROOT = Path(__file__).parents[1]

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
    """Make an environment in `folder` and install `requirements`, the arguments of `pip install`, into it.

    The test is skipped where the package `may_lack` can't be installed: there may be none for this Python or system.

    Returns:
        The Python of the environment.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    installed = run_in(python, "-m", "pip", "install", "--quiet", *requirements)
    if installed.returncode != 0 and may_lack in installed.stderr:
        reason = installed.stderr.splitlines()[-1]
        pytest.skip(f"{may_lack} can't be installed into a new environment here: {reason}")
    assert installed.returncode == 0, installed.stderr
    return python


def build(source: Path, folder: Path, *options: str) -> None:
    """Build the distribution whose pyproject.toml is in `source`, with the tools installed here, into `folder`.

    Without `options`, this makes the source archive, and the wheel from the source archive.
    """
    command = [sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", str(folder), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr


def run_in(
    python: str, *arguments: str, stdin: str = "", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the environment's Python, which sees nothing of this environment, and neither do the processes it starts.

    Args:
        python: the Python of the environment.
        arguments: what to give it.
        stdin: its input.
        folder: where it runs; None means here.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [python, "-I", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=variables, cwd=folder)


def answer_demos(python: str, bundles: Mapping[str, Path], *, sources: Sequence[Path] = ()) -> dict[str, Any]:
    """Answer the demo examples of each task with its bundle, in the environment.

    Args:
        python: the Python of the environment.
        bundles: task -> its bundle.
        sources: folders of packages that are imported there without being installed.

    Returns:
        "wrong": task and inputs of each example whose answer was wrong; "engines": the engine of each bundle;
        "modules": the names of all imported modules.
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
