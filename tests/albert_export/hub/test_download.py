"""Checkpoints by their id on a stub of the hub: what is downloaded, resumed, and taken from the cache."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.albert_export.hub.conftest import TOKEN, Hub, content_of
from tests.albert_export.hub.stub_state import Fault, commit_id
from tests.conftest import CheckpointOf, save_tiny

#: how much of a file the library writes at once
_LIBRARY_CHUNK = 10 << 20


def test_only_what_is_needed_is_downloaded(hub: Hub, files: dict[str, bytes]) -> None:
    others = {
        "pytorch_model.bin": b"pickle",
        "tf_model.h5": b"keras",
        "onnx/model.onnx": b"graph",
        "modeling_albert.py": b"raise SystemExit",
        "training_args.bin": b"pickle",
        "checkpoint-500/model.safetensors": b"older",
    }
    commit = hub.state.add("ada/albert-qa", {**files, **others, "README.md": b"---\nlicense: mit\n---\n"})
    facts = json.loads(hub.answer("inspect", "ada/albert-qa", "--json"))
    assert facts["source"] == {"repository": "ada/albert-qa", "commit": commit}
    assert set(content_of(hub.snapshot("ada/albert-qa"))) == {*files, "README.md"}
    assert {one.name for one in hub.state.sent} == {*files, "README.md"}
    assert hub.state.leaked == []
    sent = len(hub.state.sent)
    assert "question-answering" in hub.answer("inspect", "ada/albert-qa")
    assert len(hub.state.sent) == sent


def test_a_folder_is_never_looked_for_on_the_hub(
    hub: Hub, checkpoint_of: CheckpointOf, files: dict[str, bytes]
) -> None:
    hub.state.add("albert-qa", files)
    shutil.copytree(checkpoint_of("fill-mask"), hub.folder / "albert-qa")
    assert "fill-mask" in hub.answer("inspect", "albert-qa")
    message = hub.refusal(2, "inspect", "albert-qa", "--revision", "main")
    assert "--revision main goes with the id of a model on the Hugging Face hub, and albert-qa is not one" in message
    assert "there is nothing at other" in hub.refusal(2, "inspect", "./other")
    assert hub.state.requests == []


def test_revisions(hub: Hub, files: dict[str, bytes]) -> None:
    first = hub.state.add("albert-qa", files)
    repository = hub.state.repositories["albert-qa"]
    second = commit_id("second")
    config = json.loads(files["config.json"])
    repository.commits[second] = {**files, "config.json": json.dumps({**config, "hidden_act": "relu"}).encode()}
    repository.refs |= {"main": second, "v1": first}

    def activation(*revision: str) -> str:
        facts = json.loads(hub.answer("inspect", "albert-qa", "--json", *revision))
        return f"{facts['source']['commit']} {facts['config']['hidden_act']}"

    assert activation() == f"{second} relu"
    for revision in ("v1", first):
        assert activation("--revision", revision) == f"{first} {config['hidden_act']}"
    message = hub.refusal(2, "inspect", "albert-qa", "--revision", "v3")
    assert "albert-qa has no revision v3; give a branch, a tag or a commit" in message


def test_a_sentence_transformers_model(hub: Hub, files: dict[str, bytes]) -> None:
    modules = [
        {"path": "0_Transformer", "type": "sentence_transformers.models.Transformer"},
        {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    wanted = {f"0_Transformer/{name}": content for name, content in files.items()}
    wanted |= {"modules.json": json.dumps(modules).encode(), "1_Pooling/config.json": b'{"pooling_mode": "cls"}'}
    hub.state.add("ada/sentences", {**wanted, "0_Transformer/pytorch_model.bin": b"pickle"})
    assert "heads for   feature-extraction" in hub.answer("inspect", "ada/sentences")
    assert set(content_of(hub.snapshot("ada/sentences"))) == wanted.keys()


def test_shards_and_pickles(hub: Hub, tmp_path: Path, files: dict[str, bytes]) -> None:
    """A repository with nothing but PyTorch's pickles is read as a folder is, without running code in them."""
    import torch
    from safetensors.torch import load_file

    from tests.albert_export.hub.conftest import content_of as contents

    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "w.safetensors").write_bytes(files.pop("model.safetensors"))
    weights = sorted(load_file(tmp_path / "made" / "w.safetensors").items())
    shards = {f"pytorch_model-0000{n}-of-00002.bin": dict(weights[n - 1 :: 2]) for n in (1, 2)}
    for name, part in shards.items():
        torch.save(part, tmp_path / "made" / name)
    (tmp_path / "made" / "w.safetensors").unlink()
    table = {weight: name for name, part in shards.items() for weight in part}
    index = json.dumps({"metadata": {}, "weight_map": table}).encode()
    made = {**contents(tmp_path / "made"), "pytorch_model.bin.index.json": index}
    hub.state.add("ada/pickles", {**files, **made})
    assert "question-answering" in hub.answer("inspect", "ada/pickles")
    assert set(content_of(hub.snapshot("ada/pickles"))) == {*files, *made}


def test_an_interrupted_download_goes_on(hub: Hub, large_checkpoint: Path) -> None:
    files = content_of(large_checkpoint)
    hub.state.add("ada/large", files)
    weights = len(files["model.safetensors"])
    hub.state.faults.append(Fault("GET /storage/.*/model.safetensors", after=12 << 20, times=1))
    message = hub.refusal(2, "inspect", "ada/large")
    assert "broke while ada/large was downloaded" in message
    assert "what was fetched is kept, so type the same again to go on" in message
    before = {name: hub.state.bytes_sent(name) for name in files}
    assert before == {**{name: len(content) for name, content in files.items()}, "model.safetensors": 12 << 20}
    offline = hub.refusal(2, "inspect", "ada/large", variables={"HF_HUB_OFFLINE": "1"})
    assert "the copy of ada/large in the cache is incomplete; unset HF_HUB_OFFLINE" in offline
    assert "question-answering" in hub.answer("inspect", "ada/large")
    again = {name: hub.state.bytes_sent(name) - before[name] for name in files}
    assert again == {**dict.fromkeys(files, 0), "model.safetensors": weights - _LIBRARY_CHUNK}
    assert content_of(hub.snapshot("ada/large")) == files


def test_two_downloads_at_once(hub: Hub, large_checkpoint: Path) -> None:
    files = content_of(large_checkpoint)
    hub.state.add("ada/large", files)
    both = [hub.start("inspect", "ada/large") for _ in range(2)]
    assert ["question-answering" in process.communicate(timeout=120)[0] for process in both] == [True, True]
    assert content_of(hub.snapshot("ada/large")) == files
    assert hub.state.bytes_sent("model.safetensors") == len(files["model.safetensors"])


def test_the_cache_serves_where_there_is_no_network(hub: Hub, files: dict[str, bytes]) -> None:
    commit = hub.state.add("ada/albert-qa", files)
    hub.answer("inspect", "ada/albert-qa")
    asked = len(hub.state.requests)
    said = hub.answer("inspect", "ada/albert-qa", variables={"HF_HUB_OFFLINE": "1"})
    assert "the Hugging Face hub is not asked, because HF_HUB_OFFLINE is set" in said
    assert f"the copy of ada/albert-qa in the cache is used, commit {commit}" in said
    assert len(hub.state.requests) == asked
    said = hub.answer("inspect", "ada/albert-qa", variables={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert "the Hugging Face hub at http://127.0.0.1:9 does not answer (no connection" in said
    assert f"the copy of ada/albert-qa in the cache is used, commit {commit}" in said
    hub.state.faults.append(Fault("GET /api/models/ada/albert-qa", status=500))
    assert "does not answer (it has an error" in hub.answer("inspect", "ada/albert-qa")
    hub.state.faults[:] = [Fault("GET /api/models/ada/albert-qa", status=429)]
    assert "does not answer (it gets too many requests" in hub.answer("inspect", "ada/albert-qa")


def test_no_network_and_nothing_in_the_cache(hub: Hub) -> None:
    message = hub.refusal(2, "onnx", "--model", "ada/albert", variables={"HF_HUB_OFFLINE": "1"})
    assert "HF_HUB_OFFLINE is set, and there is no folder ada/albert and no copy of ada/albert in the cache" in message
    message = hub.refusal(2, "onnx", "--model", "ada/albert", variables={"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert "no connection" in message
    assert "no copy of ada/albert in the cache; try again when there is a connection, or give a folder" in message


@pytest.mark.export
def test_an_export_names_its_source(hub: Hub, files: dict[str, bytes]) -> None:
    card = b"---\nlanguage: en\nlicense: cc-by-4.0\nbase_model: other/model\n---\n# Albert\n"
    commit = hub.state.add("ada/albert-qa", {**files, "README.md": card}, private=True)
    secret = {"HF_TOKEN": TOKEN}
    hub.answer("onnx", "--model", "ada/albert-qa", "--revision", "main", "--quiet", variables=secret)
    bundle = hub.folder / "albert-qa-onnx"
    assert json.loads((bundle / "manifest.json").read_text())["source"] == {
        "repository": "ada/albert-qa",
        "commit": commit,
    }
    head, _, body = (bundle / "README.md").read_text("utf-8").removeprefix("---\n").partition("---\n")
    assert head.splitlines()[:4] == [
        "license: cc-by-4.0",
        'base_model: "ada/albert-qa"',
        "library_name: onnx",
        "pipeline_tag: question-answering",
    ]
    assert f"Exported from `ada/albert-qa` at commit `{commit}`" in body
    assert not any(TOKEN.encode() in content for content in content_of(bundle).values())
    arguments = ("verify", bundle, "--model", "ada/albert-qa", "--json", "--quiet")
    assert json.loads(hub.answer(*arguments, variables=secret))["passed"]


def test_other_commands_take_ids(hub: Hub, files: dict[str, bytes]) -> None:
    hub.state.add("ada/albert-qa", files)
    squad = {"data": [{"paragraphs": [{"context": "Ada wrote it.", "qas": [
        {"id": "1", "question": "Who?", "answers": [{"text": "Ada", "answer_start": 0}]}]}]}]}  # fmt: skip
    (hub.folder / "squad.json").write_text(json.dumps(squad))
    figures = json.loads(hub.answer("evaluate", "ada/albert-qa", "--data", "squad.json", "--json", "--quiet"))
    assert figures["examples"] == 1
    said = hub.answer("sensitivity", "--model", "ada/albert-qa", "--revision", "main", "--limit", "1", "--quiet")
    assert "albert-export onnx --model ada/albert-qa" in said
    assert "--revision main" in said


def test_the_public_functions_take_ids(hub: Hub, tmp_path: Path) -> None:
    import subprocess
    import sys

    save_tiny(tmp_path / "made", "fill-mask")
    hub.state.add("albert-mask", content_of(tmp_path / "made"))
    code = (
        "import albert_export\n"
        "model = albert_export.AlbertForMaskedLM.from_pretrained('albert-mask')\n"
        "folder = albert_export.resolve_checkpoint('albert-mask', 'main')\n"
        "print(model.config.hidden_size, albert_export.read_checkpoint(folder).tasks)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=hub.environment(), cwd=hub.folder
    )
    assert done.stdout == "16 ('feature-extraction', 'fill-mask')\n"
