"""A model is taken apart into a small file and its weights, and put together again."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.tools.flatbuffer_utils import read_model_from_bytearray

from albert_converters.tflite import detached_weights
from albert_converters.tflite import model as tflite_model
from albert_converters.tflite.detached_weights import DetachedWeights
from tests.tiny_tflite import two_linear_layers

FIRST, SECOND = np.random.default_rng(0).normal(size=(2, 64, 64)).astype(np.float32)


@pytest.fixture(autouse=True)
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detached_weights, "_LEAST_BYTES", 1000)


def test_the_parts_are_the_model() -> None:
    model = two_linear_layers(FIRST, SECOND)
    whole = tflite_model.dumps(model)
    detached = DetachedWeights.of(model)
    assert len(detached.content) < 4000 < len(whole)
    assert sorted(array.nbytes for array in detached.weights.values()) == [FIRST.nbytes] * 2
    again = detached.model()
    assert tflite_model.dumps(again) == whole
    assert tflite_model.dumps(model) == whole
    for array in detached.weights.values():
        assert sum(buffer.data is array for buffer in again.buffers) == 1  # not copied


def test_weights_are_attached_after_a_tool_removed_empty_buffers() -> None:
    model = two_linear_layers(FIRST, SECOND)
    model.buffers.insert(1, type(model.buffers[0])())
    for tensor in tflite_model.tensors(model):
        tensor.buffer += tensor.buffer > 0
    detached = DetachedWeights.of(model)
    compact = detached.attach_to(read_model_from_bytearray(detached.content))
    assert len(compact.buffers) < len(model.buffers)
    assert tflite_model.dumps(compact) == tflite_model.dumps(read_model_from_bytearray(tflite_model.dumps(model)))
