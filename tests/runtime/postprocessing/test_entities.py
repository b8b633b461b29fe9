from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.errors import BundleError
from albert_runtime.postprocessing.entities import find_entities
from albert_runtime.postprocessing.labelled_tokens import LabelledTokens

BIO = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def labelled(text, tagged, labels=BIO, words=None):
    """Tokens of `text` with labels. `tagged` is "token/label token/label ...": tokens follow each other in the text."""
    tokens, offsets, names, word_ids = [], [], [], []
    place, word = 0, -1
    for item in tagged.split():
        token, _, label = item.rpartition("/")
        start = text.index(token, place)
        begins_word = start == 0 or text[start - 1].isspace()
        word += begins_word
        tokens.append("▁" * begins_word + token.lower())
        offsets.append((start, start + len(token)))
        place = start + len(token)
        names.append(label)
        word_ids.append(word if words is None else next(n for n, (_, end) in enumerate(words) if start < end))
    logits = np.full((len(tokens), len(labels)), -5.0, np.float32)
    logits[range(len(tokens)), [labels.index(name) for name in names]] = 5.0
    return LabelledTokens(text, logits, tuple(tokens), tuple(offsets), tuple(word_ids), words)


def found_in(text, tagged, labels=BIO, strategy="words", words=None, ignore_labels=("O",)):
    """The (label, text) of each entity."""
    found = find_entities(labelled(text, tagged, labels, words), labels, strategy, ignore_labels)
    assert all(text[one.start : one.end] == one.text for one in found)
    return [(one.label, one.text) for one in found]


def entities(text, tags, labels=BIO):
    """The (label, text) of each entity of `text`, whose words, separated by spaces, have `tags`."""
    return found_in(text, " ".join(f"{word}/{tag}" for word, tag in zip(text.split(), tags, strict=True)), labels)


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


def test_one_unusual_label_does_not_change_how_the_others_are_read():
    labels = (*BIO, "X", "DATE", "[PAD]", "E-MAIL")
    assert entities("John Smith 1 May x", ["B-PER", "I-PER", "DATE", "DATE", "X"], labels) == [
        ("PER", "John Smith"),
        ("DATE", "1 May"),
        ("X", "x"),
    ]
    # "E-MAIL" by itself is the end of an entity of the kind MAIL.
    assert entities("a b", ["E-MAIL", "E-MAIL"], labels) == [("MAIL", "a"), ("MAIL", "b")]


def test_the_score_is_the_mean_of_the_words():
    logits = np.log(np.array([[0.1, 0.8, 0.1], [0.3, 0.1, 0.6]], np.float32))
    tokens = LabelledTokens("a b", logits, ("▁a", "▁b"), ((0, 1), (2, 3)), (0, 1))
    (entity,) = find_entities(tokens, ("O", "B-X", "I-X"))
    assert entity.score == pytest.approx(0.7)


def test_a_word_has_the_label_of_its_first_token():
    logits = np.array([[0, 9], [9, 0], [9, 0]], np.float32)
    tokens = LabelledTokens("London is", logits, ("▁lon", "don", "▁is"), ((0, 3), (3, 6), (7, 9)), (0, 0, 1))
    (entity,) = find_entities(tokens, ("O", "B-LOC"))
    assert (entity.text, entity.start, entity.end, entity.word) == ("London", 0, 6, "london")


def test_the_mark_of_a_space_is_the_first_token_of_the_next_word():
    logits = np.array([[9, 0, 0], [0, 9, 0], [9, 0, 0], [0, 0, 9]], np.float32)
    tokens = LabelledTokens("is X", logits, ("▁is", "▁", "x", "▁"), ((0, 2), (3, 3), (3, 4), (4, 4)), (0, 1, 1, 2))
    assert [(one.label, one.text) for one in find_entities(tokens, ("O", "B-X", "I-X"))] == [("X", "X")]
    simple = find_entities(tokens, ("O", "B-X", "I-X"), "simple")
    assert [(one.text, one.start, one.end) for one in simple] == [("", 3, 3), ("", 4, 4)]


@pytest.mark.parametrize("dot", ["O", "B-LOC", "I-LOC", "B-PER"])
def test_a_period_inside_an_entity_is_part_of_it(dot):
    assert found_in("in St. Louis.", f"in/O St/B-LOC ./{dot} Louis/I-LOC ./O") == [("LOC", "St. Louis")]
    assert found_in("U.S. Senate", f"U/B-LOC ./{dot} S/I-LOC ./{dot} Senate/I-LOC") == [("LOC", "U.S. Senate")]
    assert found_in("Natl. Zoo", f"Natl/B-LOC ./{dot} Zoo/I-LOC") == [("LOC", "Natl. Zoo")]
    assert found_in("John F. Kennedy", f"John/B-PER F/I-PER ./{dot} Kennedy/I-PER") == [("PER", "John F. Kennedy")]


@pytest.mark.parametrize("dot", ["O", "B-PER"])
def test_an_abbreviation_at_the_end_keeps_its_period_and_a_sentence_does_not(dot):
    assert found_in("John Smith Jr.", f"John/B-PER Smith/I-PER Jr/I-PER ./{dot}") == [("PER", "John Smith Jr.")]
    assert found_in("I saw Smith.", f"I/O saw/O Smith/B-PER ./{dot}") == [("PER", "Smith")]


def test_without_b_only_an_abbreviation_joins_what_a_period_divides():
    labels = ("O", "LOC", "I-LOC")
    for label in ("LOC", "I-LOC"):
        assert [text for _, text in found_in("Paris. Rome", f"Paris/{label} ./O Rome/{label}", labels)] == [
            "Paris",
            "Rome",
        ]
        assert [text for _, text in found_in("St. Ives", f"St/{label} ./O Ives/{label}", labels)] == ["St. Ives"]


def test_other_names_are_not_joined():
    assert found_in("Paris, Rome", "Paris/B-LOC ,/O Rome/I-LOC") == [("LOC", "Paris"), ("LOC", "Rome")]
    assert found_in("Paris. Rome", "Paris/B-LOC ./O Rome/B-LOC") == [("LOC", "Paris"), ("LOC", "Rome")]
    assert found_in("Paris. Ada", "Paris/B-LOC ./O Ada/I-PER") == [("LOC", "Paris"), ("PER", "Ada")]


@pytest.mark.parametrize("possessive", ["'", "\u2019"])
@pytest.mark.parametrize("label", ["O", "I-LOC", "B-LOC"])
def test_a_possessive_is_not_part_of_an_entity(possessive, label):
    text = f"Germany{possessive}s economy"
    assert found_in(text, f"Germany/B-LOC {possessive}/{label} s/{label} economy/O") == [("LOC", "Germany")]
    text = f"Germany{possessive}s Zoo"  # inside the entity, it is
    assert found_in(text, f"Germany/B-LOC {possessive}/{label} s/{label} Zoo/I-LOC") == [("LOC", text)]


@pytest.mark.parametrize("dash", ["\u2014", "\u2013", "--"])
@pytest.mark.parametrize("labels", [("O", "B-LOC"), ("I-LOC", "I-LOC"), ("O", "I-LOC")])
def test_a_dash_divides_two_places(dash, labels):
    between, second = labels
    tagged = f"Plymouth/B-LOC {dash}/{between} Kingston/{second}"
    assert found_in(f"Plymouth{dash}Kingston", tagged) == [("LOC", "Plymouth"), ("LOC", "Kingston")]
    assert found_in(f"Plymouth {dash} Kingston", tagged) == [("LOC", "Plymouth"), ("LOC", "Kingston")]


def test_punctuation_does_not_begin_an_entity():
    assert found_in("(Paris)", "(/B-LOC Paris/I-LOC )/O") == [("LOC", "Paris")]
    assert found_in("so, yes", "so/O ,/B-LOC yes/O") == []


def test_a_model_without_the_label_o_has_a_label_for_every_word():
    labels = ("NOUN", "PART", "PUNCT")
    tagged = "Ada/NOUN '/PART s/PART —/PUNCT cat/NOUN ./PUNCT"
    assert found_in("Ada's — cat.", tagged, labels) == [
        ("NOUN", "Ada"),
        ("PART", "'s"),
        ("PUNCT", "—"),
        ("NOUN", "cat"),
        ("PUNCT", "."),
    ]


@pytest.mark.parametrize(
    ("text", "tagged", "expected"),
    [
        ("東京に住む", "東京/B-LOC に/O 住む/O", ["東京"]),
        ("私は東京都に住む", "私/O は/O 東京/B-LOC 都/I-LOC に/O 住む/O", ["東京都"]),
        ("我在北京、上海工作", "我/O 在/O 北京/B-LOC 、/O 上海/B-LOC 工作/O", ["北京", "上海"]),
        ("ฉันอยู่กรุงเทพมาก", "ฉัน/O อยู่/O กรุงเทพ/B-LOC มาก/O", ["กรุงเทพ"]),
    ],
)
def test_entities_inside_a_run_without_spaces_are_kept(text, tagged, expected):
    assert found_in(text, tagged) == [("LOC", name) for name in expected]


@pytest.mark.parametrize(("mark", "first", "expected"), [(0, 1, True), (1, 0, True), (1, 1, True), (0, 0, False)])
def test_the_mark_of_a_space_does_not_hide_an_entity_of_a_script_without_spaces(mark, first, expected):
    """A model that was trained on the marks decides there, and one that was trained on characters behind them."""
    logits = np.array([[9, 0, 0], [9, 0, 0], [9, 0, 0]], np.float32)
    logits[0, mark] += 9 * mark + 1
    logits[1, first] += 9 * first + 1
    tokens = LabelledTokens("東京に", logits, ("▁", "東京", "に"), ((0, 0), (0, 2), (2, 3)), (0, 0, 0))
    assert [one.text for one in find_entities(tokens, ("O", "B-LOC", "I-LOC"))] == ["東京"] * expected


class TestStrategies:
    TEXT = "Microsoft Corp. grew"
    TAGGED = "Micro/B-PER soft/I-LOC Corp/I-PER ./O grew/O"

    def scores(self, strategy):
        """Answers to three tokens of one word, whose probabilities differ."""
        probabilities = np.array([[0.4, 0.5, 0.1], [0.7, 0.2, 0.1], [0.05, 0.15, 0.8]], np.float32)
        offsets = ((0, 2), (2, 4), (4, 6))
        tokens = LabelledTokens("abcdef", np.log(probabilities), ("▁ab", "cd", "ef"), offsets, (0, 0, 0))
        return [(one.label, one.text, round(one.score, 4)) for one in find_entities(tokens, ("O", "X", "Y"), strategy)]

    def test_none_gives_each_token_with_its_whole_label(self):
        assert self.scores("none") == [("X", "ab", 0.5), ("Y", "ef", 0.8)]
        first, *_ = find_entities(labelled(self.TEXT, self.TAGGED), BIO, "none")
        assert (first.label, first.text, first.word, first.index) == ("B-PER", "Micro", "▁micro", 1)
        assert first.to_dict().keys() == {"label", "text", "score", "start", "end", "word", "index"}

    def test_simple_groups_tokens(self):
        assert self.scores("simple") == [("X", "ab", 0.5), ("Y", "ef", 0.8)]
        assert found_in(self.TEXT, self.TAGGED, strategy="simple") == [
            ("PER", "Micro"),
            ("LOC", "soft"),
            ("PER", "Corp"),
        ]

    def test_words_have_one_label(self):
        assert self.scores("first") == [("X", "abcdef", 0.5)]
        assert self.scores("average") == []  # the mean of "O" is the largest
        assert self.scores("max") == [("Y", "abcdef", 0.8)]
        assert self.scores("words") == [("X", "abcdef", 0.5)]
        assert found_in(self.TEXT, self.TAGGED, strategy="first") == [("PER", self.TEXT[:15])]

    def test_labels_are_ignored_by_the_name_of_the_answer(self):
        assert found_in(self.TEXT, self.TAGGED, ignore_labels=()) == [("PER", "Microsoft Corp."), ("O", "grew")]
        assert found_in(self.TEXT, self.TAGGED, ignore_labels=("O", "PER")) == []
        assert found_in(self.TEXT, self.TAGGED, strategy="none", ignore_labels=("O", "I-PER", "I-LOC")) == [
            ("B-PER", "Micro")
        ]

    def test_bioes_is_grouped_in_every_strategy(self):
        labels = ("O", "B-PER", "I-PER", "E-PER", "S-PER")
        tagged = "a/B-PER b/I-PER c/E-PER d/S-PER e/O"
        for strategy in ("words", "simple", "first", "average", "max"):
            assert found_in("a b c d e", tagged, labels, strategy) == [("PER", "a b c"), ("PER", "d")]


def spans_of(text, words):
    """The characters of each of `words`, which are separated by "|"."""
    spans, end = [], 0
    for word in words.split("|"):
        start = text.index(word, end)
        end = start + len(word)
        spans.append((start, end))
    return tuple(spans)


def test_given_words_are_not_divided_and_are_counted():
    text = "Germany's “Zoo” of New York."
    tagged = "Germany/B-LOC '/O s/O “/B-PER Zoo/I-PER ”/O of/O New/B-LOC York/O ./I-LOC"
    words = spans_of(text, "Germany's|“|Zoo|”|of|New York|.")
    assert found_in(text, tagged, words=words) == [("LOC", "Germany's"), ("PER", "“Zoo"), ("LOC", "New York.")]
    found = find_entities(labelled(text, tagged, words=words), BIO)
    assert [(one.start_word, one.end_word) for one in found] == [(0, 1), (1, 3), (5, 7)]


@pytest.mark.parametrize("strategy", ["words", "first", "average", "max"])
def test_given_words_decide_where_there_are_no_spaces(strategy):
    text = "東京大阪に"
    words = spans_of(text, "東京|大阪|に")
    assert found_in(text, "東/B-LOC 京/B-LOC 大阪/B-LOC に/O", strategy=strategy, words=words) == [
        ("LOC", "東京"),
        ("LOC", "大阪"),
    ]


def test_a_text_without_tokens_has_no_entities():
    assert find_entities(LabelledTokens("", np.zeros((0, 5), np.float32), (), (), ()), BIO) == ()


def test_labels_must_fit_the_graph():
    tokens = LabelledTokens("a", np.zeros((1, 3), np.float32), ("▁a",), ((0, 1),), (0,))
    with pytest.raises(BundleError, match="gives 3 scores, and the bundle's manifest names 5 labels"):
        find_entities(tokens, BIO)
