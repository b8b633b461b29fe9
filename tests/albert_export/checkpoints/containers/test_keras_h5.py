from __future__ import annotations

import contextlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albert_export.checkpoints.containers.keras_h5 import read_keras_h5
from albert_runtime.errors import CheckpointError, DependencyError
from tests.albert_export.checkpoints.containers.framework_files import (
    FIXTURES,
    MODELS,
    assert_fixture,
    fixture_names,
    model_weights,
    without_package,
    write_tf_h5,
)
from tests.albert_export.checkpoints.transformers_checkpoint import assert_same

WRITTEN = FIXTURES / "tf" / "tf_model.h5"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small readable file, which each test may damage."""
    path = tmp_path / "tf_model.h5"
    write_tf_h5(path, {"albert.embeddings.word_embeddings.weight": np.ones((3, 2), np.float32)})
    return path


def refused(path: Path, *said: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        list(read_keras_h5(path))
    for words in (str(path), *said):
        assert words in str(caught.value)


def test_a_file_of_transformers():
    names = fixture_names("AlbertForPreTraining") | {"predictions.decoder.bias"}
    assert_fixture(dict(read_keras_h5(WRITTEN)), names)


@pytest.mark.parametrize(("architecture", "groups", "inner"), MODELS)
def test_every_head(architecture: str, groups: int, inner: int, tmp_path: Path):
    weights = model_weights(architecture, groups, inner)
    write_tf_h5(tmp_path / "tf_model.h5", weights, f"tf_albert_{architecture.removeprefix('Albert').lower()}_2")
    assert_same(dict(read_keras_h5(tmp_path / "tf_model.h5")), weights)


def test_weights_come_one_by_one(file: Path):
    with h5py.File(file, "a") as h5:
        h5["albert/tf_albert_model/albert/encoder/ffn/kernel:0"] = np.zeros(2, "S3")
    weights = read_keras_h5(file)
    assert next(weights)[0] == "albert.embeddings.word_embeddings.weight"
    with pytest.raises(CheckpointError, match=r"kernel:0 is .S3, not numbers"):
        next(weights)


def test_half_precision_stays(file: Path):
    with h5py.File(file, "w") as h5:
        h5["classifier/tf_albert_model/classifier/bias:0"] = np.array([1, 2], np.float16)
    ((name, array),) = read_keras_h5(file)
    assert (name, array.dtype, array.tolist()) == ("classifier.bias", np.float16, [1, 2])


def test_a_whole_keras_model(file: Path):
    """`model.save("x.h5")` of a model that contains an ALBERT and a layer of its own."""
    with h5py.File(file, "w") as h5:
        h5["model_weights/tf_albert_model/tf_albert_model/albert/pooler/kernel:0"] = np.ones((2, 3), np.float32)
        h5["model_weights/dropout_37/x"] = np.ones(1, np.float32)
        h5["model_weights/dense_1/dense_1/kernel:0"] = np.ones((3, 4), np.float32)
        h5["optimizer_weights/adam/m:0"] = np.ones(1, np.float32)
    found = {name: array.shape for name, array in read_keras_h5(file)}
    assert found == {"albert.pooler.weight": (3, 2), "dense_1.weight": (4, 3), "dropout_37.x": (1,)}


@pytest.mark.parametrize("kept", [0, 7, 100, 2000, -1])
def test_truncated(kept: int, file: Path):
    file.write_bytes(WRITTEN.read_bytes()[:kept])
    refused(file, "damaged or not an HDF5 file", "bytes): fetch it again")


def test_another_kind_of_file(file: Path):
    file.write_bytes(b"PK\x03\x04" + bytes(1000))
    refused(file, "not an HDF5 file")


def test_no_weights(file: Path):
    with h5py.File(file, "w") as h5:
        h5.create_group("notes")
    refused(file, "without weights: it has notes")


@pytest.mark.parametrize("link", [h5py.ExternalLink("other.h5", "/x"), h5py.SoftLink("/albert")])
def test_links(link: object, file: Path):
    with h5py.File(file, "a") as h5:
        h5["albert/more"] = link
    refused(file, "has a link at albert/more")


def test_arrays_in_other_files(file: Path, tmp_path: Path):
    (tmp_path / "secret").write_bytes(bytes(8))
    with h5py.File(file, "a") as h5:
        h5.create_dataset("x/y", (2,), "f4", external=[(str(tmp_path / "secret"), 0, 8)])
    refused(file, "stored in another file")


def test_arrays_made_of_other_arrays(file: Path):
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (2,))
    with h5py.File(file, "a") as h5:
        h5.create_virtual_dataset("x/y", layout)
    refused(file, "stored in another file")


def test_a_huge_array_in_a_small_file(file: Path):
    with h5py.File(file, "a") as h5:
        h5.create_dataset("x/y", (1 << 40,), "f4", chunks=(1 << 10,))
    refused(file, f"/x/y would have {4 << 40} bytes")


def test_a_group_that_contains_itself(file: Path):
    with h5py.File(file, "a") as h5:
        h5["albert/albert"] = h5["albert"]
    refused(file, "nested more than 64 times")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_byte_may_be_wrong(data: st.DataObject, file: Path):
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    with contextlib.suppress(CheckpointError):
        list(read_keras_h5(file))


def test_without_h5py(file: Path, monkeypatch: pytest.MonkeyPatch):
    without_package(monkeypatch, "h5py")
    with pytest.raises(DependencyError, match=r"tf_model.h5 needs h5py .*pip install 'albert-export\[other-framew"):
        next(read_keras_h5(file))
