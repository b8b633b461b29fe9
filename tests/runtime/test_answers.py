from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from albert_runtime.answers import Answer, Choice, Embedding, Filled, SentenceOrder


def test_to_dict_returns_json_types_at_every_level():
    filled = Filled("good", 7, 0.5, "a good film")
    order = SentenceOrder("in order", True, 0.75, ((filled,), ()))
    assert json.loads(json.dumps(order.to_dict())) == order.to_dict()
    assert order.to_dict()["filled"] == [[{"token": "good", "token_id": 7, "score": 0.5, "text": "a good film"}], []]
    assert Choice(1, "b", 0.9, (0.1, 0.9)).to_dict()["scores"] == [0.1, 0.9]


def test_answers_are_frozen_and_compare_by_value():
    answer = Answer("Paris", 0.5, 0, 5)
    assert answer == Answer("Paris", 0.5, 0, 5)
    assert len({answer, Answer("Paris", 0.5, 0, 5)}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        answer.text = "Rome"


def test_embeddings_compare_by_their_numbers():
    one = Embedding(np.array([0.0, 2.0]), np.array([[1.0, 2.0]]))
    same = Embedding(np.array([-0.0, 2.0]), np.array([[1.0, 2.0]]))
    assert one == same
    assert hash(one) == hash(same)
    assert one != Embedding(np.array([1.0, 2.0]), np.array([[1.0, 3.0]]))
    assert one != "text"


def test_embeddings_can_not_be_changed_and_own_their_numbers():
    source = np.zeros((2, 3), np.float32)
    embedding = Embedding(source[0], source)
    source[:] = 1
    assert embedding.tokens.dtype == embedding.vector.dtype == np.float32
    assert not embedding.tokens.any()
    with pytest.raises(ValueError, match="read-only"):
        embedding.vector[0] = 1


def test_embedding_to_dict():
    embedding = Embedding(np.array([0.5]), np.array([[1.0], [2.0]]))
    assert embedding.to_dict() == {"vector": [0.5], "tokens": [[1.0], [2.0]]}
