from __future__ import annotations

import contextlib
from pathlib import Path

import msgpack
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_export import read_checkpoint
from albert_export.checkpoints.containers.flax_msgpack import read_flax_msgpack
from albert_export.checkpoints.number_formats import as_float32, float_format
from albert_runtime.errors import CheckpointError, DependencyError
from tests.albert_export.checkpoints.containers.framework_files import (
    FIXTURES,
    MODELS,
    assert_fixture,
    fixture_names,
    flax_array,
    flax_tree,
    model_weights,
    without_package,
    write_flax,
)
from tests.albert_export.checkpoints.transformers_checkpoint import assert_same, full_weights, hugging_face_model

WRITTEN = FIXTURES / "flax" / "flax_model.msgpack"
KERNEL = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small readable file, which each test may damage."""
    path = tmp_path / "flax_model.msgpack"
    write_flax(path, {"albert": {"pooler": {"kernel": KERNEL}}})
    ((name, array),) = read_flax_msgpack(path)
    assert (name, array.tolist()) == ("albert.pooler.weight", KERNEL.T.tolist())
    return path


def refused(path: Path, *said: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        list(read_flax_msgpack(path))
    for words in (str(path), *said):
        assert words in str(caught.value)


def test_a_file_of_transformers():
    assert_fixture(dict(read_flax_msgpack(WRITTEN)), fixture_names("AlbertForPreTraining"))


@pytest.mark.parametrize(("architecture", "groups", "inner"), MODELS)
def test_every_head(architecture: str, groups: int, inner: int, file: Path):
    weights = model_weights(architecture, groups, inner)
    write_flax(file, flax_tree(weights))
    assert_same(dict(read_flax_msgpack(file)), weights)


def test_the_names_of_older_versions(file: Path):
    """Flax put `layers` before the number of an item, and some people save `{"params": ...}`."""
    ffn = {"ffn": {"kernel": KERNEL}}
    groups = {"layers": {"0": {"albert_layers": {"layers": {"1": ffn}}}}}
    write_flax(file, {"params": {"albert": {"encoder": {"albert_layer_groups": groups}}}})
    assert [name for name, _ in read_flax_msgpack(file)] == [
        "albert.encoder.albert_layer_groups.0.albert_layers.1.ffn.weight"
    ]


def test_an_array_in_pieces(file: Path):
    """Flax splits arrays of more than 1 GiB."""
    flat = KERNEL.reshape(-1)
    pieces = {
        "__msgpack_chunked_array__": True,
        "shape": {"0": 2, "1": 3},
        "chunks": {"0": flat[:4], "1": flat[4:]},
    }
    write_flax(file, {"classifier": {"kernel": pieces, "bias": np.ones(3, np.float32)}})
    found = {name: array.tolist() for name, array in read_flax_msgpack(file)}
    assert found == {"classifier.weight": KERNEL.T.tolist(), "classifier.bias": [1, 1, 1]}


def test_half_precision(file: Path):
    # The numbers 1 and -2.5 in bfloat16 are 0x3F80 and 0xC020.
    bits = np.array([0x3F80, 0xC020], "<u2")
    tree = {"a": {"bias": flax_array(bits, "bfloat16")}, "b": {"bias": np.array([1, 2], np.float16)}}
    file.write_bytes(msgpack.packb(tree, default=flax_array))
    (_, bfloat16), (_, half) = read_flax_msgpack(file)
    assert float_format(bfloat16.dtype) == "bfloat16"
    wide = as_float32(bfloat16)
    assert (wide.dtype, wide.tolist(), half.dtype, half.tolist()) == (np.float32, [1, -2.5], np.float16, [1, 2])


def test_a_checkpoint_in_bfloat16(file: Path, caplog: pytest.LogCaptureFixture):
    """The weights are widened where those of all containers are, so that the user is told."""
    model = hugging_face_model("AlbertForMaskedLM").to(torch.bfloat16)
    weights = full_weights(model.to(torch.float32))
    upper = {name: (array.view(np.uint32) >> 16).astype(np.uint16) for name, array in weights.items()}
    file.write_bytes(msgpack.packb(flax_tree(upper), default=lambda array: flax_array(array, "bfloat16")))
    model.config.save_pretrained(file.parent)
    checkpoint = read_checkpoint(file.parent)
    assert_same(checkpoint.weights, weights)
    assert set(checkpoint.account.formats) == {"bfloat16"}
    assert "weights are stored in bfloat16 and were widened to float32" in caplog.text


def test_numbers_of_the_training_are_no_weights(file: Path):
    step = msgpack.ExtType(3, flax_array(np.array(7, np.int32)).data)
    write_flax(file, {"step": 1000, "count": step, "params": {"albert": {"pooler": {"kernel": KERNEL}}}, "x": None})
    assert [name for name, _ in read_flax_msgpack(file)] == ["count", "albert.pooler.weight"]


@pytest.mark.parametrize("kept", [0, 1, 30, 2000, -1])
def test_truncated(kept: int, file: Path):
    file.write_bytes(WRITTEN.read_bytes()[:kept])
    refused(file, "damaged or not a file of Flax weights", "bytes): fetch it again")


def test_bytes_behind_the_weights(file: Path):
    file.write_bytes(file.read_bytes() + b"\x01\x02")
    refused(file, "2 bytes follow the weights")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04" + bytes(500), "not a file of Flax weights"),
        (b"<!DOCTYPE html>", "not a file of Flax weights"),
        (msgpack.packb({"a": 1, "b": {}}), "is a msgpack file without weights"),
        (msgpack.packb([1, 2]), "not a file of Flax weights"),
        (msgpack.packb({"a": [1, 2]}), "not a file of Flax weights"),
        (msgpack.packb({1: 2}), "is damaged"),
        (msgpack.packb({"a": msgpack.ExtType(2, b"x")}), "a is an extension of the type 2"),
        (msgpack.packb({"a": msgpack.ExtType(1, b"x")}), "not a file of Flax weights"),
        (msgpack.packb({"a": flax_array(KERNEL, "object")}), "a is object; supported are bfloat16, float16, float32"),
        (msgpack.packb({"a": flax_array(KERNEL, "float64")}), "cannot reshape array of size 3"),
        (b"\x81\xa1a" * 100, "nested more than 32 times"),
        (b"\xdf\xff\xff\xff\xff", "not a file of Flax weights"),  # a map of 4 billion entries
        (b"\x81\xa1a\xc9\xff\xff\xff\xff\x01", "not a file of Flax weights"),  # an array of 4 GiB
    ],
)
def test_other_content(content: bytes, said: str, file: Path):
    file.write_bytes(content)
    refused(file, said if said != "is damaged" else str(file))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_byte_may_be_wrong(data: st.DataObject, file: Path):
    content = bytearray(WRITTEN.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    with contextlib.suppress(CheckpointError):
        list(read_flax_msgpack(file))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes(content: bytes, file: Path):
    file.write_bytes(content)
    with pytest.raises(CheckpointError):
        list(read_flax_msgpack(file))


def test_without_msgpack(file: Path, monkeypatch: pytest.MonkeyPatch):
    without_package(monkeypatch, "msgpack")
    with pytest.raises(DependencyError, match=r"needs msgpack .*pip install 'albert-export\[other-frameworks\]'"):
        next(read_flax_msgpack(file))
