from __future__ import annotations

import logging

import numpy as np
import pytest

import albert_runtime
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import BundleError, UsageError
from tests.runtime.test_session import canned
from tests.runtime.tiny_bundle import make_bundle


def answer(_, inputs):
    """Each token is (its id, -1); the pooler gives (0, 3)."""
    ids = inputs["input_ids"]
    hidden = np.stack([ids, np.full_like(ids, -1)], axis=-1)
    return {"last_hidden_state": hidden, "pooler_output": np.tile([0, 3], (len(ids), 1))}


def session_with(tmp_path, **fields):
    return canned(tmp_path, "feature-extraction", answer, sequence_length=16, **fields)


def test_poolings(tmp_path):
    session = session_with(tmp_path)
    ids = session.tokenizer.encode("a film")
    assert session("a film").vector.tolist() == [0, 3]
    assert session("a film", pooling="cls").vector.tolist() == [ids[0], -1]
    assert session("a film", pooling="mean").vector == pytest.approx([np.mean(ids), -1])
    assert session("a film", pooling="max").vector.tolist() == [max(ids), -1]
    assert session("a film", normalize=True).vector.tolist() == [0, 1]
    assert session("a film", pooling="max").tokens[:, 0].tolist() == ids


def test_the_bundle_says_what_the_vector_is(tmp_path):
    session = session_with(tmp_path, embedding={"pooling": "mean", "normalize": True, "lower_case": True})
    vector = session("A Film ").vector
    assert float(np.linalg.norm(vector)) == pytest.approx(1)
    mean = session("a film", pooling="mean", normalize=False).vector
    assert vector == pytest.approx(mean / np.linalg.norm(mean))
    assert session("a film", "pooler", False).vector.tolist() == [0, 3]


@pytest.mark.parametrize("record", [{"pooling": "sum"}, {"normalize": "yes"}, {"prompt": "query: "}])
def test_options_that_the_runtime_does_not_know(tmp_path, record):
    bundle = make_bundle(tmp_path, "feature-extraction", embedding=record)
    (name,) = record
    with pytest.raises(BundleError, match=f"{name} is .*"):
        albert_runtime.load(bundle, engine=CannedEngine("feature-extraction", {}))


def test_a_shorter_maximal_length(tmp_path, caplog):
    session = session_with(tmp_path)
    with caplog.at_level(logging.WARNING, "albert_runtime"):
        assert len(session("film " * 100, max_length=5).tokens) == 5
    assert caplog.records == []  # the call asked for it
    assert len(session("film " * 100).tokens) == 16


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pooling": "sum"}, "choose one of 'pooler', 'cls', 'mean', 'max'"),
        ({"max_length": 2}, "max_length must be a whole number, 3 or more"),
        ({"max_length": 17}, "max_length=17 is too long; the model takes at most 16 tokens"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        session_with(tmp_path)("a film", **arguments)


@pytest.mark.parametrize(
    ("name", "expected"), [("cosine", 0.6), ("dot", 7.5), ("euclidean", -np.hypot(0.5, 4)), ("manhattan", -4.5)]
)
def test_similarity(tmp_path, name, expected):
    session = session_with(tmp_path, embedding={"similarity": name})
    tokens = np.zeros((1, 2))
    first = albert_runtime.Embedding(np.array([2.5, 0.0]), tokens)
    second = albert_runtime.Embedding(np.array([3.0, 4.0]), tokens)
    assert session.similarity(first, second) == pytest.approx(expected)


def test_similarity_of_other_models(tmp_path):
    first, second = (albert_runtime.Embedding(np.ones(size), np.zeros((1, size))) for size in (2, 3))
    with pytest.raises(UsageError, match="2 and 3 numbers"):
        session_with(tmp_path).similarity(first, second)
