"""The environments that clients run in: each is made once on a machine, and kept in the user's cache folder.

Nothing of this project is installed in them. They are named after what is installed there, so that another version has
an environment of its own; to make one again, remove its folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.virtual_environment import new_environment, run_in
from tools.cache_folder import cache_folder

SCRIPTS = Path(__file__).with_name("scripts")
#: what is true of every client: nothing is fetched and nothing is reported while it runs
_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TRANSFORMERS_VERBOSITY": "error", "USE_TF": "0"}
#: npm's codes for a registry that is not reached, or that lacks the package
_NOT_FETCHED = ("ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "EAI_AGAIN", "ETIMEDOUT", "E404", "ETARGET", "E403", "E5")
#: seconds after which a client counts as hanging
_LIMIT = 600
#: the environments that this process made -> the seconds that each took; the summary of the run shows them
made: dict[str, float] = {}


def python_client(name: str, requirements: Sequence[str], *, shared: bool) -> Path:
    """The Python of an environment of its own, with `requirements`; made if there is none yet.

    The test is skipped where they can't be fetched.

    Args:
        name: the name of the client, for the folder.
        requirements: what `pip install` gets, each with its exact version.
        shared: whether it also sees the packages of the environment that the tests run in, unless other versions of
            them are required.
    """

    def make(folder: Path) -> None:
        new_environment(folder, requirements, may_lack=None, shared=shared)

    kind = ("python", sys.version, sys.prefix if shared else "")
    return _made_once(name, (*kind, *requirements), make) / "bin" / "python"


def node_client(name: str, packages: Sequence[str]) -> Path:
    """A folder with `packages` in node_modules, such as "onnxruntime-node@1.30.0"; made if there is none yet.

    No scripts of the packages are run. The test is skipped where there is no Node, or where they can't be fetched.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is absent; install Node 20.16 or newer")

    def make(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", *packages]
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0 and any(f"code {code}" in done.stderr for code in _NOT_FETCHED):
            pytest.skip(f"{', '.join(packages)} can't be fetched: {done.stderr.splitlines()[-1]}")
        assert done.returncode == 0, done.stderr

    return _made_once(name, ("node", *packages), make)


def run_client(client: Path, script: Path, request: dict[str, Any]) -> Any:
    """Run a script in the environment of a client, which sees nothing of this project.

    Args:
        client: what `python_client` or `node_client` returned.
        script: the script, of scripts/. It reads JSON from its input; the last line that it prints is JSON.
        request: its input.

    Returns:
        What it printed.

    Raises:
        AssertionError: it failed; the message is what it wrote to stderr.
    """
    if client.is_dir():
        done = _run_node(client, script, json.dumps(request))
    else:
        done = run_in(str(client), str(script), stdin=json.dumps(request), variables=_OFFLINE, timeout=_LIMIT)
    assert done.returncode == 0, f"{script.name} ended with {done.returncode}: {done.stderr[-4000:]}"
    return json.loads(done.stdout.strip().splitlines()[-1])


def _run_node(folder: Path, script: Path, request: str) -> subprocess.CompletedProcess[str]:
    # Node looks for packages in the folder of the script, and above.
    content = script.read_bytes()
    copy = folder / "scripts" / f"{hashlib.sha256(content).hexdigest()[:16]}-{script.name}"
    copy.parent.mkdir(exist_ok=True)
    part = copy.with_name(f"{os.getpid()}-{copy.name}")
    part.write_bytes(content)
    part.rename(copy)
    environment = {**os.environ, **_OFFLINE}
    command = ["node", str(copy)]
    return subprocess.run(
        command, input=request, capture_output=True, text=True, check=False, env=environment, timeout=_LIMIT
    )


def _made_once(name: str, parts: Sequence[str], make: Callable[[Path], None]) -> Path:
    """The folder that `make` has made, now or in another run."""
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    folder = cache_folder("clients", "ALBERT_CLIENTS_CACHE") / f"{name}-{digest}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    complete = folder / ".complete"
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was interrupted
            begun = time.monotonic()
            make(folder)
            made[name] = time.monotonic() - begun
            complete.touch()
    return folder
