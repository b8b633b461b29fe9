"""4-bit weights are lent to a TensorFlow reference, and its own weights come back whatever happens."""

from __future__ import annotations

import numpy as np
import pytest

from albert_export.quantization.tf_linears import shared_linears, temporary_int4_weights, weight
from tests.conftest import CheckpointOf
from tests.tiny_graph import reference_of

TASK = "question-answering"


def test_4_bit_weights_are_temporary(checkpoint_of: CheckpointOf) -> None:
    reference = reference_of(checkpoint_of(TASK), TASK)
    layers = shared_linears(reference)
    before = {path: weight(layer) for path, layer in layers.items()}
    [path] = [path for path in layers if path.endswith("ffn_output")]
    with temporary_int4_weights(reference, {path: np.eye(before[path].shape[1])}):
        for row in weight(layers[path]):
            assert len(np.unique(np.abs(row))) <= 8  # 0 to 7 times the scale
        assert not np.array_equal(weight(layers[path]), before[path])
        assert all(np.array_equal(weight(layers[other]), before[other]) for other in layers if other != path)
    assert all(np.array_equal(weight(layer), before[path]) for path, layer in layers.items())


def test_the_weights_come_back_after_an_exception(checkpoint_of: CheckpointOf) -> None:
    reference = reference_of(checkpoint_of(TASK), TASK)
    layers = shared_linears(reference)
    before = {path: weight(layer) for path, layer in layers.items()}
    hessians = {path: np.eye(matrix.shape[1]) for path, matrix in before.items()}
    with pytest.raises(RuntimeError, match="in the middle"), temporary_int4_weights(reference, hessians):
        raise RuntimeError("in the middle")
    assert all(np.array_equal(weight(layer), before[path]) for path, layer in layers.items())
