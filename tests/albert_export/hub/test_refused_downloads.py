"""Repositories that can't be fetched, or are no checkpoints: the message says why, and nothing more is downloaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.albert_export.hub.conftest import TOKEN, Hub
from tests.albert_export.hub.stub_state import Fault

_WITH_TOKEN = {"HF_TOKEN": TOKEN}


def test_no_such_id(hub: Hub) -> None:
    for variables in ({}, _WITH_TOKEN):
        message = hub.refusal(2, "onnx", "--model", "ada/nothing", variables=variables)
        assert "there is no folder ada/nothing, and no model ada/nothing at http://127.0.0.1" in message
        assert "hf auth login" in message
    assert "did you mean albert/albert-base-v2?" in hub.refusal(2, "inspect", "albert-base-v2")


def test_no_permission(hub: Hub, files: dict[str, bytes]) -> None:
    hub.state.add("else/private", files, private=True)
    hub.state.add("else/gated", files, gated=True)
    assert "no model else/private" in hub.refusal(2, "inspect", "else/private", variables=_WITH_TOKEN)
    message = hub.refusal(2, "inspect", "else/gated", variables=_WITH_TOKEN)
    assert "else/gated is gated: accept its conditions at http://127.0.0.1" in message
    message = hub.refusal(2, "inspect", "else/gated", variables={"HF_TOKEN": "hf_WrongToken0123456789"})
    assert "the hub refuses the token" in message
    assert "hf_WrongToken" not in message
    hub.state.add("else/forbidden", files)
    hub.state.faults.append(Fault("GET /api/models/else/forbidden", status=403))
    assert "the token may not read else/forbidden" in hub.refusal(2, "inspect", "else/forbidden", variables=_WITH_TOKEN)
    assert hub.state.sent == []


@pytest.mark.parametrize(("status", "said"), [(500, "it has an error"), (429, "it gets too many requests")])
def test_the_hub_does_not_answer(hub: Hub, status: int, said: str) -> None:
    hub.state.faults.append(Fault("GET /api/models", status=status))
    message = hub.refusal(2, "inspect", "ada/albert", variables=_WITH_TOKEN)
    assert said in message
    assert "no copy of ada/albert in the cache" in message


def test_another_model_is_refused_before_its_weights(hub: Hub, files: dict[str, bytes]) -> None:
    hub.state.add("ada/bert", {**files, "config.json": json.dumps({"model_type": "bert"}).encode()})
    message = hub.refusal(3, "onnx", "--model", "ada/bert")
    assert "the config.json of ada/bert is a BERT checkpoint's: only ALBERT is supported" in message
    assert [one.name for one in hub.state.sent] == ["config.json"]


@pytest.mark.parametrize(
    ("replaced", "said"),
    [
        ({}, "ada/odd holds no weights that can be read here; it holds config.json"),
        ({"manifest.json": b"{}"}, "is an exported bundle, not a checkpoint; fetch it, and give the folder"),
        ({"a.pt": b"1", "b.pt": b"2"}, "holds a.pt, b.pt, and it is not clear which of them to read"),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b"1"}, "holds an adapter of BASE_MODEL"),
    ],
    ids=["no-weights", "bundle", "several", "adapter"],
)
def test_no_checkpoint(hub: Hub, files: dict[str, bytes], replaced: dict[str, bytes], said: str) -> None:
    del files["model.safetensors"]
    hub.state.add("ada/odd", {**files, **replaced})
    assert said in hub.refusal(3, "onnx", "--model", "ada/odd")
    assert not {one.name for one in hub.state.sent} & {"a.pt", "b.pt", "adapter_model.safetensors", "spiece.model"}


def test_a_full_disk(hub: Hub, files: dict[str, bytes]) -> None:
    """A limit on the size of files stands for the end of the disk."""
    hub.state.add("ada/albert", files)
    limited = "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000)); " + (
        "runpy.run_module('albert_export', run_name='__main__', alter_sys=True)"
    )
    command = [sys.executable, "-B", "-c", limited, "inspect", "ada/albert"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=hub.environment(), cwd=hub.folder)
    assert done.returncode == 2, done.stderr
    assert f"the disk of the cache {hub.home / 'hub'} is full" in done.stderr
    assert "set HF_HOME to a folder on another disk" in done.stderr
    assert "question-answering" in hub.answer("inspect", "ada/albert")


def test_a_cache_that_can_not_be_written_to(hub: Hub, files: dict[str, bytes]) -> None:
    hub.state.add("ada/albert", files)
    place = Path("/proc") if os.geteuid() == 0 else hub.folder / "locked"
    if os.geteuid() != 0:
        place.mkdir(mode=0o500)
    (hub.folder / "file").write_text("")
    for home in (place, hub.folder / "file"):
        message = hub.refusal(2, "inspect", "ada/albert", variables={"HF_HOME": str(home)})
        assert f"can't write to the cache {home / 'hub'}" in message
        assert "set HF_HOME to a folder that you may write to" in message


def test_without_the_library(hub: Hub) -> None:
    """What stands for a missing package is a finder that knows no such module."""
    code = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'huggingface_hub' else find(name, *rest)\n"
        "from albert_export.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    for arguments in (["inspect", "ada/albert"], ["onnx", "--task", "qa", "--push-to-hub", "ada/x"]):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=hub.environment(), cwd=hub.folder)
        assert done.returncode == 4, done.stderr
        assert "huggingface_hub; install it: pip install 'albert-export[hub]'" in done.stderr
    assert hub.state.requests == []


def test_no_token_in_any_log(hub: Hub, files: dict[str, bytes]) -> None:
    """The stub's errors repeat the token; neither messages, tracebacks nor debug logs do."""
    code = (
        "import logging, sys, traceback\n"
        "logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)\n"
        "from albert_export import resolve_checkpoint\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n"
        "        print(resolve_checkpoint(name))\n"
        "    except Exception:\n"
        "        traceback.print_exc()\n"
    )
    hub.state.add("ada/fine", files, private=True)
    hub.state.add("else/gated", files, gated=True)
    hub.state.add("else/broken", files)
    hub.state.faults.append(Fault("GET /api/models/else/broken", status=500))
    variables = hub.environment(**_WITH_TOKEN, HF_DEBUG="1", HF_HUB_VERBOSITY="debug")
    command = [sys.executable, "-c", code, "ada/fine", "else/gated", "else/broken", "else/nothing"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=variables, cwd=hub.folder)
    assert "UsageError: else/gated is gated" in done.stderr
    assert "DEBUG" in done.stderr
    assert "models--ada--fine" in done.stdout
    for secret in (TOKEN, "s3cret"):
        assert secret not in done.stdout + done.stderr
