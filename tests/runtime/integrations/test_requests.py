"""Several requests, answered together."""

from __future__ import annotations

import numpy as np
import pytest

import albert_runtime
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import UsageError
from albert_runtime.integrations.requests import answer_requests
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph


def question(length, words="where?"):
    return {"question": words, "context": "the tower stands in paris " * length}


@pytest.fixture
def session(tmp_path):
    model = question_answering_graph()
    return albert_runtime.load(make_bundle(tmp_path, "question-answering", model=model, max_length=64))


@pytest.fixture
def runs(session, monkeypatch):
    """The shapes of the batches that `session` has run."""
    shapes = []
    run = session.engine.run

    def record(inputs):
        shapes.append(inputs["input_ids"].shape)
        return run(inputs)

    monkeypatch.setattr(session.engine, "run", record)
    return shapes


def test_answers_equal_those_of_one_at_a_time_and_keep_their_order(session, runs):
    requests = [question(length) for length in (9, 1, 30, 2, 1, 12, 3)]
    expected = [session(**request) for request in requests]
    runs.clear()
    answers = answer_requests(session, requests)
    assert [(one.text, one.start, one.end) for one in answers] == [(one.text, one.start, one.end) for one in expected]
    assert [one.score for one in answers] == pytest.approx([one.score for one in expected], abs=1e-6)
    assert len(runs) < len(requests)


def test_a_request_that_can_not_be_answered_does_not_disturb_the_others(session):
    requests = [question(1), question(1, ""), question(2), {"question": "where?", "context": None}]
    first, empty, third, none = answer_requests(session, requests)
    assert (first, third) == (session(**requests[0]), session(**requests[2]))
    assert isinstance(empty, UsageError)
    assert "question is empty" in str(empty)
    assert "context must be a str, not NoneType" in str(none)


def test_no_requests(session):
    assert answer_requests(session, []) == []


@pytest.mark.parametrize("fields", [{"precision": "int8"}, {"sequence_length": 32}])
def test_no_batches_where_they_change_answers_or_gain_nothing(tmp_path, fields):
    zeros = np.zeros((1, 2), np.float32)
    session = albert_runtime.load(
        make_bundle(tmp_path, "text-classification", **fields), engine=CannedEngine("cls", {"logits": zeros})
    )
    answer_requests(session, [{"text": "a good film"}] * 3)
    assert [len(run["input_ids"]) for run in session.engine.runs] == [1, 1, 1]


def test_choices_of_several_requests_share_a_batch(tmp_path):
    def answer(inputs):
        return {"logits": inputs["input_ids"].sum(axis=-1) * 1e-3}

    session = albert_runtime.load(make_bundle(tmp_path, "multiple-choice"), engine=CannedEngine("mc", answer))
    requests = [{"prompt": "he opened", "choices": list(choices)} for choices in (("door", "a"), ("b", "c", "london"))]
    expected = [session(**request) for request in requests]
    session.engine.runs.clear()
    answers = answer_requests(session, requests)
    assert [one.index for one in answers] == [one.index for one in expected]
    assert [run["input_ids"].shape[:2] for run in session.engine.runs] == [(5, 1)]
