"""The comparison of two graphs: what counts as a difference, and which requests are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from albert_export.doctor import equivalence
from albert_export.doctor.diagnose import diagnose
from tests.tiny_onnx import reader_of_tokens, save_onnx


def test_differences() -> None:
    ones = np.ones(3, np.float32)
    assert equivalence.difference(ones, ones) == 0.0
    assert equivalence.difference(100 * ones + 1, 100 * ones) == pytest.approx(0.01)
    assert equivalence.difference(0.1 * ones, 0.2 * ones) == pytest.approx(0.1)
    assert equivalence.difference(ones[:2], ones) == np.inf
    assert equivalence.difference(ones.astype(np.float64), ones) == np.inf
    nan = np.float32([np.nan, 1, np.inf])
    assert equivalence.difference(nan, nan) == 0.0
    assert equivalence.difference(ones, nan) == np.inf
    assert equivalence.difference(nan, ones) == np.inf
    assert equivalence.difference(np.int64([1]), np.int64([2])) == np.inf


def test_requests_are_padded_text(tmp_path: Path) -> None:
    diagnosis = diagnose(save_onnx(tmp_path, reader_of_tokens()))
    made = list(equivalence.requests(diagnosis.inputs, diagnosis.vocabulary_size))
    assert {request["input_ids"].shape for request in made} == {(1, 7), (1, 128), (3, 16), (2, 61)}
    batch = next(request for request in made if request["input_ids"].shape == (3, 16))
    assert batch["attention_mask"].sum(axis=1).tolist() == [16, 10, 5]
    assert not batch["input_ids"][batch["attention_mask"] == 0].any()
    assert batch["input_ids"].max() < diagnosis.vocabulary_size == 50
    assert set(batch["token_type_ids"].ravel()) == {0, 1}
