from __future__ import annotations

import logging

import pytest

from albert_runtime.errors import UsageError
from tests.runtime.test_session import TestFillMask as Canned
from tests.runtime.test_session import canned


@pytest.fixture
def session(tmp_path):
    """It prefers "capital", then "door"; all other pieces are equal."""
    return canned(tmp_path, "fill-mask", Canned().answer)


def test_targets_keep_their_probability_among_all_pieces(session, caplog):
    everything = {one.token_id: one.score for one in session("the [MASK]", top_k=10**6)[0]}
    with caplog.at_level(logging.WARNING, "albert_runtime"):
        (found,) = session("the [MASK]", targets=["▁film", "▁door", "▁capital"])
    assert caplog.records == []
    assert [one.token for one in found] == ["capital", "door", "film"]
    assert [one.score for one in found] == [everything[one.token_id] for one in found]
    assert [one.text for one in session("the [MASK]", top_k=1, targets=["▁film", "▁door"])[0]] == ["the door"]


def test_a_target_that_is_no_piece_is_its_first_piece(session, caplog):
    with caplog.at_level(logging.WARNING, "albert_runtime"):
        (found,) = session("the [MASK]", targets=["film", "DOORZ", " "])
        session("the [MASK]", targets=["film", "door"])
    assert [one.token for one in found] == ["door", "film"]
    assert [record.getMessage() for record in caplog.records] == [
        "the target 'film' is not a piece of the vocabulary: its first piece '▁film' is scored",
        "the target 'DOORZ' is not a piece of the vocabulary: its first piece '▁door' is scored",
        "the target ' ' is not a piece of the vocabulary: it is left out",
        "the target 'door' is not a piece of the vocabulary: its first piece '▁door' is scored",
    ]


def test_one_target_several_masks_and_repetitions(session):
    masks = session("a [MASK] and a [MASK]", targets="▁film")
    assert [[one.token for one in mask] for mask in masks] == [["film"], ["film"]]
    assert [mask[0].text for mask in masks] == ["a film and a [MASK]", "a [MASK] and a film"]
    assert len(session("a [MASK]", targets=["▁film", "film", "▁film"])[0]) == 1


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([], "targets holds no word"),
        (["", " "], "targets holds no word"),
        (["film", 3], r"targets\[1\] must be a str, not int"),
        (7, "targets must be a list of texts, not int"),
    ],
)
def test_wrong_targets(session, targets, message):
    with pytest.raises(UsageError, match=message):
        session("a [MASK]", targets=targets)
