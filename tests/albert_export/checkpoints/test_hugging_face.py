"""Hugging Face's folders: this package reads what transformers saves, and writes what transformers opens."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from albert_export.checkpoints import read_checkpoint, write_checkpoint
from albert_export.config import AlbertConfig
from albert_runtime.errors import UsageError
from tests.albert_export.checkpoints.transformers_checkpoint import (
    SERVED,
    TINY,
    assert_same,
    full_weights,
    hugging_face_model,
    rewrite,
)


@pytest.mark.parametrize("architecture", SERVED)
@pytest.mark.parametrize("kind", ["safetensors", "safetensors shards", "bin", "bin shards"])
def test_reads_what_transformers_saves(tmp_path, architecture, kind):
    model = hugging_face_model(architecture)
    shard = {"max_shard_size": "8KB"} if "shards" in kind else {}
    model.save_pretrained(tmp_path, safe_serialization="safetensors" in kind, **shard)
    assert len(list(tmp_path.glob("*.index.json"))) == ("shards" in kind)

    checkpoint = read_checkpoint(tmp_path)
    assert_same(checkpoint.weights, full_weights(model))
    assert checkpoint.tasks == SERVED[architecture]
    assert checkpoint.config == AlbertConfig.from_folder(tmp_path)
    assert checkpoint.folder == tmp_path
    assert checkpoint.vocab_file is None


@pytest.mark.parametrize("architecture", SERVED)
def test_transformers_opens_what_is_written(tmp_path, architecture):
    model = hugging_face_model(architecture)
    model.save_pretrained(tmp_path / "theirs")
    checkpoint = read_checkpoint(tmp_path / "theirs")
    write_checkpoint(tmp_path / "ours", checkpoint.config, checkpoint.weights)

    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == ["config.json", "model.safetensors"]
    assert set(load_file(tmp_path / "ours" / "model.safetensors")) == set(
        load_file(tmp_path / "theirs" / "model.safetensors")
    )
    again, loading = type(model).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(loading.values()), loading
    ids = torch.randint(5, 50, (2, 3, 7) if "Choice" in architecture else (2, 7))
    with torch.no_grad():
        for ours, theirs in zip(again.eval()(ids).to_tuple(), model(ids).to_tuple(), strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize(("groups", "inner"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_groups_and_inner_layers(tmp_path, groups, inner):
    model = hugging_face_model(num_hidden_layers=6, num_hidden_groups=groups, inner_group_num=inner)
    model.save_pretrained(tmp_path)
    checkpoint = read_checkpoint(tmp_path)
    assert_same(checkpoint.weights, full_weights(model))
    assert sum(name.endswith("attention.query.weight") for name in checkpoint.weights) == groups * inner


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("safe", [True, False])
def test_other_precisions_become_float32(tmp_path, dtype, safe, caplog):
    model = hugging_face_model().to(dtype)
    model.save_pretrained(tmp_path, safe_serialization=safe)
    checkpoint = read_checkpoint(tmp_path)
    assert_same(checkpoint.weights, full_weights(model.to(torch.float32)))
    [record] = caplog.records
    name = str(dtype).removeprefix("torch.")
    change = "narrowed" if name == "float64" else "widened"
    assert f"weights are stored in {name} and were {change} to float32" in record.getMessage()
    assert set(checkpoint.account.formats) == {name}


def test_the_old_format_of_pytorch_files(tmp_path):
    """The published checkpoints are older than PyTorch's zip format."""
    model = hugging_face_model("AlbertForMaskedLM")
    model.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    assert "predictions.decoder.weight" in model.state_dict()
    assert_same(read_checkpoint(tmp_path).weights, full_weights(model))


def test_the_configuration_states_the_written_precision(tmp_path):
    hugging_face_model().to(torch.float16).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float16"
    checkpoint = read_checkpoint(tmp_path)
    write_checkpoint(tmp_path, checkpoint.config, checkpoint.weights)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "float32"
    assert {array.dtype for array in load_file(tmp_path / "model.safetensors").values()} == {np.dtype(np.float32)}


def test_float16_weights_stay_float16(tmp_path):
    weights = {name: array.astype(np.float16) for name, array in full_weights(hugging_face_model()).items()}
    write_checkpoint(tmp_path, AlbertConfig(**TINY), weights)
    assert {array.dtype for array in load_file(tmp_path / "model.safetensors").values()} == {np.dtype(np.float16)}


def test_old_weight_names(tmp_path):
    """The first releases of transformers wrote bare names, gamma and beta, and the position_ids buffer."""
    model = hugging_face_model("AlbertModel")
    model.save_pretrained(tmp_path)

    def use_old_names(tensors):
        old = {}
        for name, tensor in tensors.items():
            if "LayerNorm" in name or "layer_norm" in name:
                name = name.replace(".weight", ".gamma").replace(".bias", ".beta")
            old[name] = tensor
        return old | {"embeddings.position_ids": torch.arange(24)[None]}

    rewrite(tmp_path, use_old_names)
    assert_same(read_checkpoint(tmp_path).weights, full_weights(model))


def test_prefixed_encoder_without_head(tmp_path):
    """An AlbertModel whose weight names begin with `albert.`, like those of the full models."""
    model = hugging_face_model("AlbertModel")
    model.save_pretrained(tmp_path)
    rewrite(tmp_path, lambda tensors: {f"albert.{name}": tensor for name, tensor in tensors.items()})
    assert_same(read_checkpoint(tmp_path).weights, full_weights(model))


def test_writing_copies_the_tokenizer(tmp_path):
    (tmp_path / "30k-clean.model").write_bytes(b"pieces")
    (tmp_path / "tokenizer_config.json").write_text("{}")
    write_checkpoint(
        tmp_path / "out",
        AlbertConfig(**TINY),
        full_weights(hugging_face_model()),
        vocab_file=tmp_path / "30k-clean.model",
        tokenizer_files=[tmp_path / "tokenizer_config.json"],
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "config.json",
        "model.safetensors",
        "spiece.model",
        "tokenizer_config.json",
    ]
    assert (tmp_path / "out" / "spiece.model").read_bytes() == b"pieces"


def test_writing_a_missing_vocabulary_writes_nothing(tmp_path):
    with pytest.raises(UsageError, match=r"none\.model is not a file"):
        write_checkpoint(
            tmp_path / "out",
            AlbertConfig(**TINY),
            full_weights(hugging_face_model()),
            vocab_file=tmp_path / "none.model",
        )
    assert not (tmp_path / "out").exists()


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    hugging_face_model().save_pretrained(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full_disk(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(UsageError, match="No space left on device"):
        write_checkpoint(tmp_path, AlbertConfig(**TINY), full_weights(hugging_face_model()))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
