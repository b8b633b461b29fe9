"""Token ids that are drawn from a vocabulary, and those of a user's lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from albert_export.samples.token_ids import TokenSource, id_requests, id_requests_from
from albert_runtime.errors import UsageError
from albert_runtime.tasks import TASKS

CONFIG: dict[str, Any] = {
    "vocab_size": 60, "type_vocab_size": 2, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "mask_token_id": 4,
}  # fmt: skip
CLASSIFIER, CHOICE = TASKS["text-classification"], TASKS["multiple-choice"]


def test_special_tokens_stand_at_the_ends_only() -> None:
    for request in id_requests(CONFIG, CLASSIFIER, 50, longest=32):
        ids = request["input_ids"]
        assert (ids[0], ids[-1]) == (2, 3)
        assert {1, *range(5, 60)} >= set(ids[1:-1])
        assert 4 <= len(ids) <= 32
        assert len(ids) == len(request["token_type_ids"])


def test_every_second_request_is_a_pair_where_there_are_two_token_types() -> None:
    pairs = [1 in request["token_type_ids"] for request in id_requests(CONFIG, CLASSIFIER, 6, longest=32)]
    assert pairs == [False, True] * 3
    one_type = id_requests({**CONFIG, "type_vocab_size": 1}, CLASSIFIER, 6, longest=32)
    assert not any(any(request["token_type_ids"]) for request in one_type)


def test_the_same_requests_every_time() -> None:
    assert id_requests(CONFIG, CHOICE, 9, longest=20) == id_requests(CONFIG, CHOICE, 9, longest=20)


def test_choices_and_short_requests() -> None:
    for request in id_requests(CONFIG, CHOICE, 20, longest=64, short=True):
        assert 2 <= len(request["input_ids"]) <= 4
        assert all(4 <= len(row) <= 12 for row in request["input_ids"])


@pytest.mark.parametrize(
    ("fields", "first", "last"),
    [
        ({"bos_token_id": None, "eos_token_id": None}, None, None),
        ({"bos_token_id": 60, "eos_token_id": [3, 5]}, None, None),
        ({"cls_token_id": 7, "sep_token_id": 8}, 7, 8),
        ({"pad_token_id": None}, 2, 3),
    ],
)
def test_special_tokens_of_a_configuration(fields: dict[str, Any], first: int | None, last: int | None) -> None:
    source = TokenSource.of_config({**CONFIG, **fields})
    assert (source.first, source.last, source.pad) == (first, last, 0)
    assert 0 not in source.ids


def test_a_vocabulary_of_special_tokens_only() -> None:
    source = TokenSource.of_config({"vocab_size": 1})
    assert set(source.ids.tolist()) == {0}


def test_lines_of_ids() -> None:
    texts = [("5, 6 7", None), ("8 9", "10 11 12")]
    assert id_requests_from(texts, CONFIG, CLASSIFIER, longest=4) == [
        {"input_ids": [5, 6, 7], "token_type_ids": [0, 0, 0]},
        {"input_ids": [8, 9, 10, 11], "token_type_ids": [0, 0, 1, 1]},
    ]
    (choice,) = id_requests_from(texts[:1], {**CONFIG, "type_vocab_size": 1}, CHOICE, longest=4)
    assert choice == {"input_ids": [[5, 6, 7]], "token_type_ids": [[0, 0, 0]]}


def test_all_lines_that_are_no_ids_are_named() -> None:
    with pytest.raises(UsageError, match=r"(?s)from 0 to 59.*sequence 1: 60, x\n  - sequence 3: -1$"):
        id_requests_from([("5 60", "x"), ("5", None), ("-1", None)], CONFIG, CLASSIFIER, longest=4)


def test_a_sequence_of_tokens_is_cut_from_the_running_ids() -> None:
    source = TokenSource(np.arange(10, 20), 0, 2, 3)
    assert source.sequence(3, 5).tolist() == [2, 14, 15, 16, 3]
    assert source.sequence(0, 1).tolist() == [3]
    assert source.types(5).tolist() == [0, 0, 1, 1, 1]
