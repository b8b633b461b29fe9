from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.errors import UsageError
from albert_runtime.tokenization.padding import pad_batch
from tests.runtime.tiny_bundle import sequence


def test_pads_at_the_end_to_the_longest():
    arrays = pad_batch([sequence([2, 9, 3]), sequence([2, 9, 3, 8, 3], pair_from=3)], pad_token_id=7)
    assert arrays["input_ids"].tolist() == [[2, 9, 3, 7, 7], [2, 9, 3, 8, 3]]
    assert arrays["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert arrays["token_type_ids"].tolist() == [[0, 0, 0, 0, 0], [0, 0, 0, 1, 1]]
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.int64)}


def test_pads_to_a_fixed_length():
    assert pad_batch([sequence([2, 3])], pad_token_id=0, length=4)["input_ids"].tolist() == [[2, 3, 0, 0]]


def test_refuses_what_does_not_fit():
    with pytest.raises(UsageError, match="5 tokens does not fit the fixed length of 4"):
        pad_batch([sequence([2, 9, 9, 9, 3])], pad_token_id=0, length=4)
    with pytest.raises(UsageError, match="one sequence at least"):
        pad_batch([], pad_token_id=0)
