"""The weights of a TensorFlow model move to a mapped file, and the model computes the same."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from albert_export import AlbertConfig, read_checkpoint
from tests.conftest import TINY, CheckpointOf

tf = pytest.importorskip("tensorflow")

from albert_export.reference import tf_mapped_weights  # noqa: E402
from albert_export.reference.registry import framework_module  # noqa: E402
from albert_export.reference.tf_albert import TFAlbertModel  # noqa: E402
from albert_export.reference.tf_mapped_weights import MappedWeights  # noqa: E402

IDS = np.array([[2, 7, 8, 3]])


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(tf_mapped_weights, "_LEAST_BYTES", 256)
    return TFAlbertModel(AlbertConfig(**TINY))


def address(weight: Any) -> int:
    return int(np.asarray(memoryview(weight.value.read_value())).ctypes.data)


def outputs(model: Any) -> NDArray[Any]:
    return np.asarray(model(IDS).last_hidden_state)


def test_values_and_outputs_are_the_same(model: Any) -> None:
    before = {name: weight.numpy() for name, weight in model.named_weights().items()}
    expected = outputs(model)
    moved = {name: address(weight) for name, weight in model.named_weights().items()}
    mapped = MappedWeights(model)
    mapped.give_back()
    weights = model.named_weights()
    for name, array in before.items():
        np.testing.assert_array_equal(weights[name].numpy(), array)
        assert (address(weights[name]) != moved[name]) == (array.nbytes >= 256)
        assert address(weights[name]) % 64 == 0
    np.testing.assert_array_equal(outputs(model), expected)


def test_weights_can_be_assigned(model: Any) -> None:
    mapped = MappedWeights(model)
    weight = model.named_weights()["albert.embeddings.word_embeddings.weight"]
    before = weight.numpy()
    weight.assign(before + 1)
    mapped.give_back()
    np.testing.assert_array_equal(weight.numpy(), before + 1)
    weight.assign(before)
    other = model.named_weights()["albert.encoder.embedding_hidden_mapping_in.weight"]
    before = other.numpy()
    other.assign_add(np.ones_like(before))  # changes the memory itself, unless it is shared
    np.testing.assert_array_equal(other.numpy(), before + 1)


def test_tensorflow_returns_what_it_frees_unless_the_user_chose_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, expected in ((None, "1"), ("0", "0")):
        monkeypatch.setenv("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", given or "")
        if given is None:
            monkeypatch.delenv("TF_ONEDNN_USE_SYSTEM_ALLOCATOR")
        framework_module("albert_export.reference.tf_albert", "tf")
        assert os.environ["TF_ONEDNN_USE_SYSTEM_ALLOCATOR"] == expected


def test_they_stay_where_the_disk_is_full(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Any:
        raise OSError(28, "No space left on device")

    expected = outputs(model)
    monkeypatch.setattr(tempfile, "TemporaryFile", fails)
    MappedWeights(model).give_back()
    np.testing.assert_array_equal(outputs(model), expected)


def test_changed_weights_of_a_mapped_checkpoint_are_taken(checkpoint_of: CheckpointOf) -> None:
    checkpoint = read_checkpoint(checkpoint_of("feature-extraction"))
    for array in checkpoint.weights.values():
        array *= 2  # read_safetensors allows it
    expected = {name: array.copy() for name, array in checkpoint.weights.items()}
    for name, weight in TFAlbertModel.from_pretrained(checkpoint).named_weights().items():
        np.testing.assert_array_equal(weight.numpy(), expected[name])
