"""Folders that can't be read as a checkpoint: each gets a clear message and the right exit code."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from albert_export.checkpoints import read_checkpoint
from albert_runtime.errors import CheckpointError, UsageError
from tests.albert_export.checkpoints.conftest import (
    refused,
)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("no-such-folder", "hf download OWNER/NAME --local-dir no-such-folder"),
        ("albert-base-v2", "hf download albert/albert-base-v2 --local-dir albert-base-v2"),
        ("albert/albert-xlarge-v1", "hf download albert/albert-xlarge-v1 --local-dir albert-xlarge-v1"),
        ("someone/albert-ner", "hf download someone/albert-ner --local-dir albert-ner"),
    ],
)
def test_missing_folder(tmp_path, monkeypatch, path, said):
    monkeypatch.chdir(tmp_path)
    refused(path, f"there is no folder {path}", said, error=UsageError, exit_code=2)
    assert not list(tmp_path.iterdir())


def test_file_instead_of_a_folder(folder):
    refused(folder / "model.safetensors", "is a file; give the folder")


def test_path_of_a_tensorflow_checkpoint(tmp_path):
    (tmp_path / "model.ckpt-best.index").touch()
    refused(tmp_path / "model.ckpt-best", f"give the folder: {tmp_path}", error=UsageError, exit_code=2)


def test_empty_folder(tmp_path):
    refused(tmp_path, "is empty")


def test_config_without_weights(folder):
    (folder / "model.safetensors").unlink()
    refused(folder, "holds config.json, but no weights", "pytorch_model.bin", "model.ckpt")


@pytest.mark.parametrize("below", ["snapshots/0123abc", "checkpoint-500"])
def test_the_folder_above_the_checkpoint(folder, tmp_path_factory, below):
    above = tmp_path_factory.mktemp("above")
    shutil.copytree(folder, above / below)
    refused(above, "holds neither a configuration nor weights", f"did you mean {above / below}?")


def test_weights_of_another_framework(folder):
    (folder / "model.safetensors").rename(folder / "tf_model.h5")
    refused(folder, "tf_model.h5 can't be read here", "save_pretrained")


def test_weights_without_config(folder):
    (folder / "config.json").unlink()
    refused(folder, "holds model.safetensors, but no config.json")


def test_exported_bundle(folder):
    (folder / "model.safetensors").rename(folder / "model.onnx")
    (folder / "manifest.json").touch()
    refused(folder, "is an exported bundle")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "is not JSON"), (b"[]", "must hold a JSON object"), (b'{"a": "\xe9"}', "is not JSON in UTF-8")],
)
def test_damaged_config(folder, content, said):
    (folder / "config.json").write_bytes(content)
    refused(folder, str(folder / "config.json"), said)


def test_bert_checkpoint(folder):
    (folder / "config.json").write_text('{"model_type": "bert", "hidden_size": 8}')
    refused(folder, "is a BERT checkpoint's: only ALBERT is supported")


def test_link_to_nowhere(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(folder / "blob")
    refused(folder, "can't read", "No such file")


@pytest.mark.parametrize("closed", ["folder", "model.safetensors", "config.json"])
def test_no_permission(folder, closed, monkeypatch):
    path = folder if closed == "folder" else folder / closed
    if os.geteuid() == 0:
        # Root may read everything, so the error is simulated.
        forbid(monkeypatch, path)
    else:
        path.chmod(0)
    try:
        with pytest.raises(CheckpointError, match=r"can't read .*Permission denied"):
            read_checkpoint(folder)
    finally:
        path.chmod(0o700)


def forbid(monkeypatch, forbidden: Path) -> None:
    for method in ("iterdir", "read_bytes", "open"):
        original = getattr(Path, method)

        def refuse(self, *arguments, original=original, **options):
            if self == forbidden:
                raise PermissionError(13, "Permission denied", str(self))
            return original(self, *arguments, **options)

        monkeypatch.setattr(Path, method, refuse)
