"""Virtual environments of their own, for tests of what runs where little is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
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


def new_environment(folder: Path, requirements: Sequence[str], *, may_lack: str | None, shared: bool = False) -> str:
    """Make an environment in `folder` and install `requirements`, the arguments of `pip install`, into it.

    The test is skipped where the package `may_lack` can't be installed: there may be none for this Python or system.

    Args:
        folder: where the environment will be.
        requirements: what is installed there.
        may_lack: the package that may be absent; None for any that the registry lacks, or all where it is not reached.
        shared: whether it also sees the packages of this environment, behind its own.

    Returns:
        The Python of the environment.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    if shared:
        (site_packages,) = folder.glob("lib/python*/site-packages")
        (site_packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    installed = run_in(python, "-m", "pip", "install", "--quiet", *requirements)
    absent = "No matching distribution found" if may_lack is None else may_lack
    if installed.returncode != 0 and absent in installed.stderr:
        reason = installed.stderr.splitlines()[-1]
        pytest.skip(f"{may_lack or folder.name} can't be installed into a new environment here: {reason}")
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
    python: str,
    *arguments: str,
    stdin: str = "",
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the environment's Python, which sees nothing of this environment, and neither do the processes it starts.

    Args:
        python: the Python of the environment.
        arguments: what to give it.
        stdin: its input.
        folder: where it runs; None means here.
        variables: environment variables that it gets besides those of this process.
        timeout: seconds after which it is ended with an error; None means never.
    """
    given = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [python, "-I", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**given, **(variables or {})},
        cwd=folder,
        timeout=timeout,
    )


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
