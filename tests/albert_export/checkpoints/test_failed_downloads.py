"""A file of a checkpoint that was never fetched, or is something else: the message says what it is and what to type."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from albert_export.checkpoints import read_checkpoint
from albert_export.checkpoints.tokenizer import load_tokenizer
from albert_export.doctor.diagnose import diagnose
from albert_export.evaluation.model_loading import find_model
from albert_export.inspection import inspect_path
from albert_runtime.errors import AlbertError, CheckpointError, UnsupportedError
from tests.albert_export.checkpoints.conftest import refused, save_index
from tests.runtime.test_failed_downloads import LFS_POINTER, WEB_PAGE, zip_archive

LFS = "git lfs install && git lfs pull"


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "config.json", "spiece.model"])
@pytest.mark.parametrize(
    ("content", "said"), [(LFS_POINTER, LFS), (WEB_PAGE, 'has "resolve" in place of "blob"'), (b"", "is empty")]
)
def test_one_file(folder: Path, name: str, content: bytes, said: str) -> None:
    if name == "pytorch_model.bin":
        (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        load_tokenizer(read_checkpoint(folder))
    assert str(caught.value).startswith(f"{folder / name} is ")
    assert said in str(caught.value)


def test_a_shard(folder: Path) -> None:
    (folder / "one.safetensors").write_bytes(LFS_POINTER)
    save_index(folder, {"weight_map": {"albert.embeddings.word_embeddings.weight": "one.safetensors"}})
    refused(folder, "one.safetensors is a pointer of Git LFS", LFS)


@pytest.mark.parametrize("part", ["index", "data-00000-of-00001", "both"])
def test_tensorflow(folder: Path, part: str) -> None:
    pytest.importorskip("tensorflow")
    from tests.google_checkpoint import random_variables, save_google

    (folder / "model.safetensors").unlink()
    (folder / "config.json").unlink()
    save_google(folder, random_variables())
    for one in ("index", "data-00000-of-00001"):
        if part in (one, "both"):
            (folder / f"model.ckpt-best.{one}").write_bytes(LFS_POINTER)
    refused(folder, "is a pointer of Git LFS", LFS)


def test_an_archive_in_place_of_a_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    archive = tmp_path_factory.mktemp("archive") / "albert_base.tar.gz"
    with tarfile.open(archive, "w:gz") as stream:
        stream.add(folder, "albert_base")
    for reads in (read_checkpoint, find_model, inspect_path, diagnose):
        with pytest.raises(AlbertError, match=r"unpack it first: tar -xf albert_base\.tar\.gz"):
            reads(archive)


@pytest.mark.parametrize("name", ["model.onnx", "model.tflite"])
@pytest.mark.parametrize(
    ("content", "said"),
    [(LFS_POINTER, LFS), (WEB_PAGE, "is a web page"), (b"", "is empty"), (zip_archive(), "unpack it first: unzip")],
)
def test_graphs(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    for reads in (diagnose, inspect_path):
        with pytest.raises(UnsupportedError, match=said):
            reads(tmp_path / name)


@pytest.mark.slow
def test_the_command_line_says_it_without_a_traceback(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(LFS_POINTER)
    command = [sys.executable, "-m", "albert_export", "onnx", "--model", str(folder), "--output", str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert LFS in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "out").exists()
