"""Ways to lay out a folder: a hub cache, sentence-transformers, adapters, files under other names."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest

from albert_export.checkpoints import read_checkpoint
from albert_export.cli.options import chosen_checkpoint
from albert_export.inspection import inspect_path
from tests.albert_export.checkpoints.conftest import refused, save_index, save_weights, weights


@pytest.fixture
def snapshot(folder, tmp_path_factory):
    """The folder of a model in a cache of huggingface_hub, whose files are links to blobs."""
    cache = tmp_path_factory.mktemp("hub") / "models--albert--albert-base-v2"
    (cache / "blobs").mkdir(parents=True)
    snapshot = cache / "snapshots" / "8e2f239c5f8a2c0f253781ca60135db913e5c80c"
    snapshot.mkdir(parents=True)
    for number, file in enumerate(sorted(folder.iterdir())):
        blob = cache / "blobs" / f"{number:064x}"
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(os.path.relpath(blob, snapshot))
    return snapshot


def test_links_of_a_hub_cache_are_followed(snapshot):
    checkpoint = read_checkpoint(snapshot)
    assert checkpoint.weights.keys() == weights().keys()
    assert inspect_path(snapshot)["weights"]["file"] == "model.safetensors"
    refused(snapshot.parents[1], f"did you mean {snapshot}?")
    refused(snapshot.parent, f"did you mean {snapshot}?")


def test_files_are_named_as_typed(snapshot, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    link = elsewhere / "my-albert"
    link.symlink_to(snapshot)
    assert read_checkpoint(link).folder == link
    assert chosen_checkpoint(link, None)[1] == "my-albert"
    assert chosen_checkpoint(elsewhere / "my-albert" / "", None)[1] == "my-albert"
    assert chosen_checkpoint(elsewhere / "x" / ".." / "my-albert", None)[1] == "my-albert"
    monkeypatch.chdir(link)
    assert chosen_checkpoint(type(link)("."), None)[1]


@pytest.fixture
def sentence_model(folder, tmp_path_factory):
    """The folder of a sentence-transformers model of the old layout, with the transformer in a folder of its own."""
    root = tmp_path_factory.mktemp("sentence-model")
    shutil.copytree(folder, root / "0_Transformer")
    (root / "1_Pooling").mkdir()
    (root / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    modules = [
        {"idx": 0, "path": "0_Transformer", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (root / "modules.json").write_text(json.dumps(modules))
    return root


def test_both_folders_of_sentence_transformers(sentence_model):
    transformer = sentence_model / "0_Transformer"
    assert read_checkpoint(sentence_model).folder == transformer
    assert read_checkpoint(transformer).folder == transformer


def test_the_pooling_is_no_checkpoint(sentence_model):
    message = refused(sentence_model / "1_Pooling", f"did you mean {sentence_model / '0_Transformer'}?")
    assert "no weights" in message
    # Without a list of modules, the folder with weights is offered, and the other one is not.
    (sentence_model / "modules.json").unlink()
    message = refused(sentence_model, f"did you mean {sentence_model / '0_Transformer'}?")
    assert "1_Pooling" not in message


def test_the_pooling_beside_a_transformer_in_the_top_folder(sentence_model):
    for file in (sentence_model / "0_Transformer").iterdir():
        shutil.move(file, sentence_model)
    (sentence_model / "0_Transformer").rmdir()
    modules = json.loads((sentence_model / "modules.json").read_text())
    modules[0]["path"] = ""
    (sentence_model / "modules.json").write_text(json.dumps(modules))
    assert read_checkpoint(sentence_model).folder == sentence_model
    refused(sentence_model / "1_Pooling", f"did you mean {sentence_model}?")


@pytest.mark.parametrize("path", ["../elsewhere", "/etc", "a\0b"])
def test_modules_outside_of_the_folder_are_not_followed(sentence_model, path):
    (sentence_model / "modules.json").write_text(json.dumps([{"path": path, "type": "x.Transformer"}]))
    refused(sentence_model, "holds neither a configuration nor weights")


@pytest.mark.parametrize("whole", [False, True])
def test_an_adapter_alone(folder, whole):
    if not whole:
        (folder / "model.safetensors").unlink()
    save_weights(folder, {"base_model.model.x.lora_A.weight": np.ones((2, 2), np.float32)}, "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "albert/albert-base-v2"}))
    refused(
        folder,
        "holds an adapter of albert/albert-base-v2",
        'from_pretrained("albert/albert-base-v2")',
        f'PeftModel.from_pretrained(base, "{folder}").merge_and_unload().save_pretrained("merged")',
    )


def test_another_name_of_a_safetensors_file(folder):
    (folder / "model.safetensors").rename(folder / "best.safetensors")
    assert read_checkpoint(folder).weights.keys() == weights().keys()
    shutil.copy(folder / "best.safetensors", folder / "last.safetensors")
    refused(folder, "holds best.safetensors, last.safetensors, and it is not clear which")


def test_shards_without_their_index(folder):
    for part in (1, 2):
        save_weights(folder, weights(), f"model-0000{part}-of-00002.safetensors")
    (folder / "model.safetensors").unlink()
    refused(folder, "their index is missing, for example model.safetensors.index.json")


def test_shards_may_be_links(folder):
    blob = folder / "blob"
    (folder / "model.safetensors").rename(blob)
    (folder / "part.safetensors").symlink_to(blob)
    save_index(folder, {"weight_map": dict.fromkeys(weights(), "part.safetensors")})
    assert read_checkpoint(folder).weights.keys() == weights().keys()
