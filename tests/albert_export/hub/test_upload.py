"""Bundles that are pushed to a stub of the hub: one commit, resumed after an interruption, and refused beforehand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.albert_export.hub.conftest import TOKEN, Hub, content_of
from tests.albert_export.hub.stub_state import Fault
from tests.conftest import CheckpointOf

_WITH_TOKEN = {"HF_TOKEN": TOKEN}


@pytest.fixture
def bundle(bundle_of: CheckpointOf, hub: Hub) -> Path:
    """A bundle with a file that does not belong to it."""
    shutil.copytree(bundle_of("question-answering"), hub.folder / "bundle")
    (hub.folder / "bundle" / "notes.txt").write_text("mine")
    return hub.folder / "bundle"


def pushed_files(hub: Hub, name: str) -> dict[str, bytes]:
    repository = hub.state.repositories[name]
    return repository.commits[repository.refs["main"]]


def of_bundle(bundle: Path) -> dict[str, bytes]:
    return {name: content for name, content in content_of(bundle).items() if name != "notes.txt"}


def test_a_push_is_one_commit(hub: Hub, bundle: Path) -> None:
    figures = json.loads(hub.answer("push", bundle, "ada/qa", "--private", "--json", variables=_WITH_TOKEN))
    repository = hub.state.repositories["ada/qa"]
    assert figures == {
        "repository": "ada/qa",
        "url": f"{hub.address}/ada/qa",
        "commit": repository.refs["main"],
    }
    assert pushed_files(hub, "ada/qa") == of_bundle(bundle)
    assert repository.private
    (message,) = repository.messages
    assert message.startswith("ALBERT for question-answering, ONNX in fp32, by albert-export ")
    hub.answer("push", bundle, "qa", variables=_WITH_TOKEN)
    assert len(repository.messages) == 1


def test_a_bundle_of_several_precisions_is_pushed_whole(hub: Hub, bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    shutil.copy(bundle / "model.onnx", bundle / "other.onnx")
    manifest["files"]["other.onnx"] = manifest["files"]["model.onnx"]
    manifest["variants"] = {"fp16": {"model_file": "other.onnx"}}
    (bundle / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    hub.answer("push", bundle, "ada/qa", variables=_WITH_TOKEN)
    assert pushed_files(hub, "ada/qa") == of_bundle(bundle)
    assert "other.onnx" in pushed_files(hub, "ada/qa")
    assert "ONNX in fp32, fp16, by" in hub.state.repositories["ada/qa"].messages[0]


def test_a_killed_push_goes_on(hub: Hub, bundle: Path) -> None:
    """What had arrived is not sent again; the file that was under way is sent once more."""
    files = of_bundle(bundle)
    graph, vocabulary = files["model.onnx"], files["spiece.model"]
    hub.state.add("ada/qa", {"spiece.model": vocabulary})
    hub.state.faults.append(Fault("PUT /storage", after=len(graph) // 2, stalls=True))
    hub.kill("push", bundle, "ada/qa")
    assert hub.state.bytes_received(graph) == len(graph) // 2
    assert pushed_files(hub, "ada/qa") == {"spiece.model": vocabulary}
    hub.answer("push", bundle, "ada/qa", variables=_WITH_TOKEN)
    assert hub.state.bytes_received(graph) == len(graph) // 2 + len(graph)
    assert hub.state.bytes_received(vocabulary) == 0
    assert pushed_files(hub, "ada/qa") == files


def test_a_failed_commit_sends_nothing_large_again(hub: Hub, bundle: Path) -> None:
    files = of_bundle(bundle)
    hub.state.faults.append(Fault("POST /api/models/ada/qa/commit", status=400, times=1))
    message = hub.refusal(2, "push", bundle, "ada/qa", variables=_WITH_TOKEN)
    assert f"to push it again, type: albert-export push {bundle} ada/qa" in message
    sent = {name: hub.state.bytes_received(files[name]) for name in ("model.onnx", "spiece.model")}
    assert sent == {name: len(files[name]) for name in sent}
    hub.answer("push", bundle, "ada/qa", variables=_WITH_TOKEN)
    assert {name: hub.state.bytes_received(files[name]) for name in sent} == sent
    assert pushed_files(hub, "ada/qa") == files


def test_an_export_is_pushed(hub: Hub, checkpoint_of: CheckpointOf) -> None:
    model = checkpoint_of("question-answering")
    arguments = ("onnx", "--model", model, "--output", "out", "--push-to-hub", "writers/qa", "--quiet")
    said = hub.answer(*arguments, variables=_WITH_TOKEN)
    assert f"pushed: {hub.address}/writers/qa, commit" in said
    assert pushed_files(hub, "writers/qa") == content_of(hub.folder / "out")


def test_refused_before_the_export(hub: Hub, files: dict[str, bytes]) -> None:
    """No token, one that may not write, another's repository, or a public one where a private one is asked for."""
    hub.state.add_user("hf_OnlyReads0123456789", "ada", role="read")
    for name in ("ada/public", "ada/read-only", "else/theirs"):
        hub.state.add(name, files)
    hub.state.read_only.add("ada/read-only")
    cases = (
        ("ada/qa", {}, "needs a token, and none is stored; type hf auth login"),
        ("ada/qa", {"HF_TOKEN": "hf_Wrong0123456789"}, "the hub refuses the token"),
        ("ada/qa", {"HF_TOKEN": "hf_OnlyReads0123456789"}, "the token 'mine' of ada may only read"),
        ("ada/read-only", _WITH_TOKEN, "the token may not write to ada/read-only"),
        ("else/theirs", _WITH_TOKEN, "the token may not write to else/theirs"),
        ("readers/qa", _WITH_TOKEN, "ada may only read there; the owners that you can push for: ada, writers"),
        ("nobody/qa", _WITH_TOKEN, "ada is no member of it"),
        ("ada/public", _WITH_TOKEN, "ada/public is there already, and everybody can see it"),
        ("a/b/c", _WITH_TOKEN, "'a/b/c' is no repository: give ORG/NAME"),
        ("ada/qa", {**_WITH_TOKEN, "HF_HUB_OFFLINE": "1"}, "nothing can be pushed while HF_HUB_OFFLINE is set"),
        ("ada/qa", {**_WITH_TOKEN, "HF_ENDPOINT": "http://127.0.0.1:9"}, "no connection to http://127.0.0.1:9"),
    )
    for name, variables, said in cases:
        arguments = ("onnx", "--task", "qa", "--output", "out", "--push-to-hub", name, "--private")
        message = hub.refusal(2, *arguments, variables=variables)
        assert said in message
        assert "hf_" not in message
    assert not (hub.folder / "out").exists()
    assert "--private is about a repository of the hub" in hub.refusal(2, "onnx", "--task", "qa", "--private")


def test_what_is_pushed_must_be_a_bundle(hub: Hub, bundle: Path) -> None:
    hub.answer("pack", bundle, "--output", "packed.albert")
    assert "albert-export unpack packed.albert" in hub.refusal(2, "push", "packed.albert", "ada/qa")
    (bundle / "model.onnx").write_bytes(b"damaged")
    assert "is damaged" in hub.refusal(3, "push", bundle, "ada/qa")
    assert hub.state.requests == []


@pytest.mark.slow
def test_the_newest_library(hub_of_newest_library: Hub, bundle: Path, files: dict[str, bytes]) -> None:
    """Since version 1.0, huggingface_hub has another HTTP client."""
    hub = hub_of_newest_library
    commit = hub.state.add("ada/albert", files, private=True)
    for more in ({}, {"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}):
        facts = hub.answer("inspect", "ada/albert", variables={**_WITH_TOKEN, **more})
        assert f"commit      {commit}" in facts
    hub.state.add("else/gated", files, gated=True)
    assert "no model ada/none" in hub.refusal(2, "inspect", "ada/none", variables=_WITH_TOKEN)
    assert "else/gated is gated" in hub.refusal(2, "inspect", "else/gated", variables=_WITH_TOKEN)
    assert "has no revision v9" in hub.refusal(2, "inspect", "ada/albert", "--revision", "v9", variables=_WITH_TOKEN)
    hub.answer("push", bundle, "ada/qa", variables=_WITH_TOKEN)
    assert pushed_files(hub, "ada/qa") == of_bundle(bundle)
    assert "may only read there" in hub.refusal(2, "push", bundle, "readers/qa", variables=_WITH_TOKEN)
