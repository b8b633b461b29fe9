from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.errors import BundleError
from albert_runtime.postprocessing.entities import find_entities, split_words

BIO = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def entities(text, tags, labels=BIO):
    """The (label, text) of each entity of `text`, whose words, separated by spaces, have `tags`."""
    offsets, place = [], 0
    for word in text.split():
        offsets.append((place, place + len(word)))
        place += len(word) + 1
    logits = np.full((len(tags), len(labels)), -5.0, np.float32)
    for row, tag in enumerate(tags):
        logits[row, labels.index(tag)] = 5.0
    found = find_entities(logits, offsets, range(len(tags)), text, labels)
    assert all(text[one.start : one.end] == one.text for one in found)
    return [(one.label, one.text) for one in found]


def test_bio():
    assert entities("Ada Lovelace met Paris London", ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]) == [
        ("PER", "Ada Lovelace"),
        ("LOC", "Paris"),
        ("LOC", "London"),
    ]


def test_inside_without_begin_begins_an_entity():
    assert entities("Ada Paris London", ["I-PER", "I-LOC", "I-LOC"]) == [("PER", "Ada"), ("LOC", "Paris London")]


def test_outside_ends_an_entity():
    assert entities("Ada and Lovelace", ["I-PER", "O", "I-PER"]) == [("PER", "Ada"), ("PER", "Lovelace")]


@pytest.mark.parametrize("tags", ["BIES", "BILU"])
def test_end_and_single_tags(tags):
    labels = ("O", *(f"{tag}-PER" for tag in tags))
    _, inside, end, single = labels[1:]
    assert entities("a b c d e f", [labels[1], inside, end, inside, single, single], labels) == [
        ("PER", "a b c"),
        ("PER", "d"),
        ("PER", "e"),
        ("PER", "f"),
    ]


def test_plain_labels_join_equal_neighbours():
    assert entities("a b c d", ["PER", "PER", "LOC", "O"], ("O", "PER", "LOC")) == [("PER", "a b"), ("LOC", "c")]


def test_a_plain_label_that_looks_like_a_tag_is_not_split():
    assert entities("a b", ["E-mail", "phone"], ("O", "E-mail", "phone")) == [("E-mail", "a"), ("phone", "b")]


def test_the_score_is_the_mean_of_the_words():
    logits = np.log(np.array([[0.1, 0.8, 0.1], [0.3, 0.1, 0.6]], np.float32))
    (entity,) = find_entities(logits, [(0, 1), (2, 3)], [0, 1], "a b", ("O", "B-X", "I-X"))
    assert entity.score == pytest.approx(0.7)


def test_a_word_has_the_label_of_its_first_token():
    logits = np.array([[0, 9], [9, 0], [9, 0]], np.float32)
    (entity,) = find_entities(logits, [(0, 3), (3, 6), (7, 9)], [0, 0, 1], "London is", ("O", "B-LOC"))
    assert (entity.text, entity.start, entity.end) == ("London", 0, 6)


def test_punctuation_is_split_off_at_the_ends_of_a_word_but_not_inside():
    text = "(Jean-Luc), $5"
    #         ▁       (       jean    -       luc     )        ,         ▁         $         5
    offsets = [(0, 0), (0, 1), (1, 5), (5, 6), (6, 9), (9, 10), (10, 11), (12, 12), (12, 13), (13, 14)]
    words = split_words(offsets, [0] * 7 + [1] * 3, text)
    assert words == [[0, 1], [2, 3, 4], [5], [6], [7, 8, 9]]


def test_a_bare_space_mark_is_not_a_word():
    assert split_words([(0, 0)], [0], "") == []


def test_a_text_without_tokens_has_no_entities():
    assert find_entities(np.zeros((0, 5), np.float32), [], [], "", BIO) == ()


def test_labels_must_fit_the_graph():
    with pytest.raises(BundleError, match="gives 3 scores, and the bundle's manifest names 5 labels"):
        find_entities(np.zeros((1, 3), np.float32), [(0, 1)], [0], "a", BIO)
