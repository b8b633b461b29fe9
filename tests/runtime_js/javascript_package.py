"""Runs the built JavaScript package with Node, for the tests of this folder."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[2] / "runtime" / "js"
_BUILD = "cd runtime/js && npm ci --ignore-scripts && npm run build"
#: seconds after which a run of Node counts as hanging
_LIMIT = 600


def node() -> str:
    """The path of Node; skips the test if it or the built package is absent."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is absent; install Node 20.16 or newer")
    if not (PACKAGE / "dist" / "index.js").is_file():
        pytest.skip(f"the JavaScript package is not built; type: {_BUILD}")
    return found


def needs(package: str) -> None:
    """Skip the test if an npm package is not installed beside the JavaScript package."""
    if not (PACKAGE / "node_modules" / package).is_dir():
        pytest.skip(f"the npm package {package} is absent; type: {_BUILD}")


def version(package: str) -> str:
    """The version of an npm package that is installed beside the JavaScript package."""
    content = json.loads((PACKAGE / "node_modules" / package / "package.json").read_text(encoding="utf-8"))
    return str(content["version"])


def answers(bundle: Path, requests: Sequence[dict[str, Any]], engine: str) -> list[dict[str, Any]]:
    """What the JavaScript session says to each request: `{"answer": ...}` or `{"error": {"type", "message"}}`."""
    script = node()
    needs(engine)
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    command = [script, str(PACKAGE / "tools" / "answer.mjs"), str(bundle), engine]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, encoding="utf-8", timeout=_LIMIT)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(requests)
    return found
