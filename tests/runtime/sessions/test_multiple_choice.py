from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.errors import UsageError
from albert_runtime.sessions.multiple_choice import choice_pairs
from tests.runtime.test_session import canned


@pytest.fixture
def session(tmp_path):
    """It prefers the last choice."""

    def answer(_, inputs):
        return {"logits": np.arange(inputs["input_ids"].shape[1])[np.newaxis]}

    return canned(tmp_path, "multiple-choice", answer)


def test_pairs_with_and_without_a_context():
    assert choice_pairs("He opened", ["it.", "a door."], None) == [("He opened", "it."), ("He opened", "a door.")]
    assert choice_pairs("Who?", ["He.", "She."], "She went.") == [("She went.", "Who? He."), ("She went.", "Who? She.")]
    assert choice_pairs("In _ she went.", ["Rome", "Paris"], "Text.")[1] == ("Text.", "In Paris she went.")


def test_a_context_is_the_first_text(session):
    choice = session("where is he?", ["in paris", "in london"], context="he went home")
    assert (choice.index, choice.text) == (1, "in london")
    (run,) = session.engine.runs
    expected = session.tokenizer("he went home", "where is he? in london").encodings[0]
    assert run["input_ids"][0, 1].tolist() == list(expected.ids)
    assert run["token_type_ids"][0, 1].tolist() == list(expected.type_ids)


@pytest.mark.parametrize("count", [2, 26])
def test_two_to_twenty_six_choices(session, count):
    choice = session("he opened", ["film"] * count)
    assert (choice.index, len(choice.scores)) == (count - 1, count)


def test_twenty_seven_choices(session):
    with pytest.raises(UsageError, match=r"at most 26 choices \(A to Z\), not 27"):
        session("he opened", ["film"] * 27)


def test_an_empty_context(session):
    with pytest.raises(UsageError, match="context is empty"):
        session("he opened", ["a", "b"], context=" ")
