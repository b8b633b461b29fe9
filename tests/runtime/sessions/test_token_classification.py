"""The session of token classification: its arguments, given words, windows and offsets."""

from __future__ import annotations

import numpy as np
import pytest

import albert_runtime
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import UsageError
from tests.runtime.tiny_bundle import make_bundle

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "X")


@pytest.fixture
def session_of(tmp_path):
    """Makes a session that gives the tokens of each word in `labels` its label, and "O" to all others."""

    def make(**labels):
        by_id = {}

        def answer(inputs):
            ids = inputs["input_ids"]
            numbers = [[LABELS.index(by_id.get(one, "O")) for one in row] for row in ids.tolist()]
            return {"logits": np.eye(len(LABELS), dtype=np.float32)[numbers] * 5}

        bundle = make_bundle(tmp_path, "token-classification", labels=LABELS)
        session = albert_runtime.load(bundle, engine=CannedEngine("ner", answer))
        for word, label in labels.items():
            by_id.update(dict.fromkeys(session.tokenizer.encode(word, add_special_tokens=False), label))
        return session

    return make


def found(entities):
    return [(one.label, one.text) for one in entities]


def test_given_words_are_numbered(session_of):
    session = session_of(ada="B-PER", lovelace="I-PER", london="B-LOC")
    answers = session(words=["Ada", "lived", "in", "London"])
    assert [(one.text, one.start_word, one.end_word) for one in answers] == [("Ada", 0, 1), ("London", 3, 4)]
    text = "Ada  lived in London!"
    answers = session(text, words=["Ada", "London"])
    assert [text[one.start : one.end] for one in answers] == ["Ada", "London"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give a text, or the words of one"),
        ({"words": "Ada"}, "words must be a list of words, not str"),
        ({"words": ["Ada", 3]}, r"words\[1\] is 3"),
        ({"words": []}, "words holds no word"),
        ({"text": "Ada lives", "words": ["Ada", "Paris"]}, r"words\[1\] is 'Paris', which does not occur in the text"),
        ({"text": "a b", "words": ["b", "a"]}, "does not occur in the text after character 3"),
        ({"text": "Ada", "aggregation_strategy": "middle"}, "must be one of words, none, simple, first, average, max"),
        ({"text": "Ada", "ignore_labels": "O"}, r"must be a list of labels, such as \['O'\]"),
        ({"text": "Ada", "ignore_labels": ["ORG"]}, "ignore_labels names 'ORG', and the answers of this model have"),
        ({"text": "Ada", "stride": -1}, "stride must be a whole number, 0 or more"),
    ],
)
def test_wrong_arguments(session_of, arguments, message):
    with pytest.raises(UsageError, match=message):
        session_of()(**arguments)


def test_a_label_without_a_prefix_leaves_the_others_as_they_are(session_of):
    session = session_of(film="B-PER", tower="I-PER", london="X")
    text = "film tower London"
    assert found(session(text)) == [("PER", "film tower"), ("X", "London")]
    assert found(session(text, ignore_labels=("O", "X"))) == [("PER", "film tower")]


@pytest.mark.parametrize("stride", [0, 5, 60])
def test_long_texts_go_through_windows(session_of, stride):
    session = session_of(london="B-LOC")
    text = "she lived in London where " * 40
    answers = session(text, stride=stride)
    assert [text[one.start : one.end] for one in answers] == ["London"] * 40
    assert len(session.engine.runs) > 2


@pytest.mark.parametrize(
    "text", ["1,234.5 ﬁlms ½ in London", "Zo\u0308e\u0301 \u0130s in L\u00f3nd\u00f6n", "“ﷺ” 😀 in\tLONDON!"]
)
def test_places_behind_accents_ligatures_and_digits(session_of, text):
    (entity,) = session_of(london="B-LOC")(text)
    assert entity.text == text[entity.start : entity.end]
    assert entity.text.lower() in ("london", "lóndön")
