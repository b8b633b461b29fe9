"""A stub of the hub for each test, and processes that take it for the hub."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.albert_export.hub.hub_stub import hub_stub
from tests.albert_export.hub.stub_state import HubState
from tests.conftest import BuiltOnce, CheckpointOf, save_tiny

#: the token of the user `ada`; no output may ever hold it
TOKEN = "hf_TheSecretOfTheTests0123456789"
#: what a shell may have set, and tests must not see
_FOREIGN = ("HF_", "HUGGING", "TRANSFORMERS_OFFLINE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "XDG_CACHE_HOME")
_SETTINGS = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1"}


@dataclass
class Hub:
    """The stub, and the folder of the processes that ask it."""

    state: HubState
    address: str
    folder: Path
    #: folders of packages that the processes import from first
    packages: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """What HF_HOME is."""
        return self.folder / "hf-home"

    def snapshot(self, name: str) -> Path:
        """The folder in the cache of the repository's only commit that was fetched."""
        (found,) = (self.home / "hub" / f"models--{name.replace('/', '--')}" / "snapshots").iterdir()
        return found

    def environment(self, **more: str) -> dict[str, str]:
        """The variables of a process that asks the stub."""
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(_FOREIGN)}
        paths = [*self.packages, *filter(None, sys.path)]
        ours = {"HF_ENDPOINT": self.address, "HF_HOME": str(self.home), "PYTHONPATH": os.pathsep.join(paths)}
        return {**kept, **_SETTINGS, **ours, **self.variables, **more}

    def start(self, *arguments: object, variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `albert-export` with `arguments`."""
        command = [sys.executable, "-m", "albert_export", *map(str, arguments)]
        pipe = subprocess.PIPE
        environment = self.environment(**(variables or {}))
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=self.folder)

    def run(self, *arguments: object, variables: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Run `albert-export`; returns its exit code, and what it printed to standard output and error."""
        process = self.start(*arguments, variables=variables)
        out, err = process.communicate(timeout=300)
        assert TOKEN not in out + err
        return process.returncode, out, err

    def answer(self, *arguments: object, variables: Mapping[str, str] | None = None) -> str:
        """Run `albert-export`, which must succeed; returns what it printed to both."""
        code, out, err = self.run(*arguments, variables=variables)
        assert code == 0, err
        return out + err

    def refusal(self, code: int, *arguments: object, variables: Mapping[str, str] | None = None) -> str:
        """Run `albert-export`, which must fail with this code and without a traceback; returns its message."""
        found, out, err = self.run(*arguments, variables=variables)
        assert found == code, out + err
        assert "Traceback" not in err
        return err

    def kill(self, *arguments: object) -> None:
        """Run `albert-export`, and kill it when a transfer stands still."""
        process = self.start(*arguments, variables={"HF_TOKEN": TOKEN})
        assert self.state.stalled.wait(120), process.communicate()
        process.kill()
        out, err = process.communicate(timeout=60)
        assert TOKEN not in out + err
        self.state.faults.clear()


@pytest.fixture(scope="session")
def newest_library(built_once: BuiltOnce) -> str:
    """A folder with the newest huggingface_hub; those from 1.0 on differ from the one that transformers 4 takes."""

    def install(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), "huggingface_hub>=1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"huggingface_hub 1 can't be installed here: {done.stderr.splitlines()[-1]}")

    return str(built_once("newest-huggingface-hub", install))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A stub with the user `ada`, who may write for `writers` and only read at `readers`."""
    with hub_stub() as (state, address):
        state.add_user(TOKEN, "ada", orgs={"readers": "read", "writers": "write"})
        yield Hub(state, address, tmp_path)


@pytest.fixture
def hub_of_newest_library(hub: Hub, newest_library: str) -> Hub:
    """The stub, whose processes have the newest huggingface_hub."""
    hub.packages = (newest_library,)
    return hub


@pytest.fixture(scope="session")
def large_checkpoint(built_once: BuiltOnce) -> Path:
    """A checkpoint of 15 MB, which is more than the library writes at once."""
    return built_once("checkpoint/large", lambda folder: save_tiny(folder, "question-answering", embedding_size=128))


@pytest.fixture
def files(checkpoint_of: CheckpointOf) -> dict[str, bytes]:
    """The files of a tiny checkpoint for question answering."""
    return content_of(checkpoint_of("question-answering"))


def content_of(folder: Path) -> dict[str, bytes]:
    """The content of every file in `folder` and below, by its name from there."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
