"""Damaged or malicious weight files: each gets a clear message, and no code in them is run."""

from __future__ import annotations

import contextlib
import pickle
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_export.checkpoints import read_checkpoint
from albert_runtime.errors import CheckpointError, DependencyError
from tests.albert_export.checkpoints.conftest import (
    refused,
    save_index,
    save_pickle,
    save_weights,
    weights,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_byte_of_a_safetensors_file_may_be_wrong(folder, data):
    content = bytearray(safetensors.numpy.save(weights()))
    for _ in range(data.draw(st.integers(1, 4))):
        # Only the header can be invalid; most of the rest is numbers.
        content[data.draw(st.integers(0, 700))] = data.draw(st.integers(0, 255))
    (folder / "model.safetensors").write_bytes(content)
    with contextlib.suppress(CheckpointError):
        assert read_checkpoint(folder).weights


@pytest.mark.parametrize("kept", [4, 100, -1])
def test_truncated_safetensors(folder, kept):
    content = (folder / "model.safetensors").read_bytes()[:kept]
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, "is damaged or not a safetensors file", f"{len(content)} bytes")


def test_unsupported_number_format(folder):
    content = (folder / "model.safetensors").read_bytes()
    # Unsigned 32-bit numbers have the same size, so that only the format is wrong.
    (folder / "model.safetensors").write_bytes(content.replace(b'"F32"', b'"U32"'))
    refused(folder, "is U32; supported are F32, F16, BF16 and F64")


class MaliciousObject:
    """An object whose pickle makes the reader create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("form", ["zip", "plain pickle"])
def test_code_in_a_pickle_is_not_run(folder, tmp_path_factory, form):
    mark = tmp_path_factory.mktemp("elsewhere") / "was-here"
    content = {"albert.x": torch.ones(1), "y": MaliciousObject(mark)}
    save_pickle(folder, content)
    if form == "plain pickle":
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps(content["y"], protocol=2))
    refused(folder, "holds more than weights", "Nothing in it was run", "model.safetensors")
    assert not mark.exists()
    # This proves that the file is dangerous: a reader that trusts it runs the code.
    if form == "plain pickle":
        pickle.loads((folder / "pytorch_model.bin").read_bytes()).close()
    else:
        torch.load(folder / "pytorch_model.bin", weights_only=False)["y"].close()
    assert mark.exists()


@pytest.mark.parametrize("new_form", [True, False])
@pytest.mark.parametrize("kept", [0, 3, 200, -1])
def test_truncated_pickle(folder, kept, new_form):
    (folder / "model.safetensors").unlink()
    tensors = {name: torch.from_numpy(array) for name, array in weights().items()}
    torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=new_form)
    content = (folder / "pytorch_model.bin").read_bytes()[:kept]
    (folder / "pytorch_model.bin").write_bytes(content)
    refused(folder, "damaged")


def test_a_zip_file_that_is_no_checkpoint(folder):
    (folder / "model.safetensors").unlink()
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr("a/readme.txt", "hello")
    refused(folder, "pytorch_model.bin is a zip archive; unpack it first: unzip pytorch_model.bin")


@pytest.mark.parametrize("value", [[torch.ones(1)], {"epoch": 3, "model": {"x": 1}}, torch.ones(2)])
def test_pickle_of_something_else(folder, value):
    save_pickle(folder, value)
    refused(folder, "must hold a dictionary of weights")


def test_pickle_without_pytorch(folder, monkeypatch):
    save_pickle(folder, {})
    monkeypatch.setitem(sys.modules, "torch", None)
    refused(folder, "pip install 'albert-export[torch]'", error=DependencyError, exit_code=4)


@pytest.mark.parametrize(
    "shard", ["../model.safetensors", "/etc/passwd", "..", "", "sub/model.safetensors", "C:\\model.safetensors", "a\0b"]
)
def test_an_index_with_files_outside_of_the_folder(folder, shard):
    inside = folder / "inside"
    inside.mkdir()
    shutil.copy(folder / "config.json", inside)
    save_index(inside, {"weight_map": {"albert.embeddings.word_embeddings.weight": shard}})
    refused(inside, "lists shards that can't be read", "is not the name of a file in the folder")


def test_missing_shards_are_all_named(folder):
    save_weights(folder, weights(), "model-00001-of-00003.safetensors")
    names = [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
    save_index(folder, {"weight_map": {"a": names[0], "b": names[1], "c": names[2]}})
    message = refused(folder, f"{names[1]} is missing", f"{names[2]} is missing")
    assert names[0] not in message


def test_weights_missing_from_their_shard(folder):
    save_weights(folder, weights(), "one.safetensors")
    save_index(folder, {"weight_map": dict.fromkeys([*weights(), "albert.pooler.bias"], "one.safetensors")})
    refused(folder, "lists missing weights", "albert.pooler.bias in one.safetensors")


@pytest.mark.parametrize("content", [{}, {"weight_map": []}, {"weight_map": {"a": 1}}, {"weight_map": None}])
def test_index_without_a_map(folder, content):
    save_index(folder, content)
    refused(folder, 'must have a "weight_map"')


def test_index_that_is_not_json(folder):
    (folder / "model.safetensors").rename(folder / "model.safetensors.index.json")
    refused(folder, "is not JSON")
