"""Decisions: the answer of a session without its scores, and the margin by which each part is decided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import albert_runtime
from albert_export.evaluation.decisions import decide
from albert_export.verification.agreement import agree
from albert_runtime.answers import Answer, Choice, Filled, Label, SentenceOrder
from tests.canned_session import decided, embedded, labelled
from tests.conftest import CheckpointOf


def answer_and_margin(task: str, answer: Any, problem_type: str | None = None) -> tuple[Any, float]:
    decision = decided(task, answer, problem_type)
    return decision.answer, pytest.approx(decision.margin)


def test_question_answering_goes_by_place() -> None:
    answers = (Answer("Ada", 0.7, 3, 6), Answer("Bob", 0.2, 8, 11))
    assert answer_and_margin("question-answering", answers) == ((3, 6), 0.5)
    assert answer_and_margin("question-answering", answers[:1]) == ((3, 6), 1.0)


def test_labels() -> None:
    labels = (Label("yes", 0.6), Label("no", 0.4))
    assert answer_and_margin("text-classification", labels) == ("yes", 0.2)
    assert answer_and_margin("text-classification", labels, "multi_label_classification") == ({"yes"}, 0.2)


def test_choice_order_and_masks() -> None:
    assert answer_and_margin("multiple-choice", Choice(1, "b", 0.5, (0.2, 0.5, 0.3))) == (1, 0.2)
    assert answer_and_margin("pretraining", SentenceOrder("swapped", False, 0.9)) == (("swapped", []), 0.8)
    masks = (Filled("▁a", 7, 0.6, "a"), Filled("▁b", 8, 0.5, "b"))
    assert answer_and_margin("pretraining", SentenceOrder("in order", True, 0.9, (masks,))) == (("in order", [7]), 0.1)
    ways = (Filled("▁a", 7, 0.6, "a"), Filled("▁b", 8, 0.3, "b"))
    close = (Filled("▁c", 9, 0.4, "c"), Filled("▁d", 5, 0.35, "d"))
    assert answer_and_margin("fill-mask", (ways, close)) == ([7, 9], 0.05)


def test_an_embedding_is_two_vectors_of_length_1() -> None:
    expected = embedded([3.0, 4.0], [[1.0, 0.0], [1.0, 2.0]])
    np.testing.assert_allclose(expected.answer, [[0.6, 0.8], [0.5**0.5, 0.5**0.5]], rtol=1e-6)
    assert expected.parts == ()
    assert expected.margin == 1


def test_one_label_is_a_number_unless_the_configuration_says_otherwise() -> None:
    assert labelled(None, stars=3.5).answer == np.array([3.5])
    assert labelled("single_label_classification", stars=1.0).answer == "stars"


def test_entities_are_decided_token_by_token(bundle_of: CheckpointOf) -> None:
    session = albert_runtime.load(bundle_of("token-classification"), verify=False)
    text = "Ada Lovelace of London wrote the first program."
    decision = decide(session, {"text": text})
    assert len(decision.parts) == len(session.tokenizer.encode(text, add_special_tokens=False))
    assert all(0 <= margin <= 1 for _, margin in decision.parts)
    assert agree(decision, decide(session, {"text": text}))
