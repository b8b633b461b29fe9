"""The session of token classification, from the text on: tokenizer, windows, words and options.

`test_entities.py` tests the same rules with tokens that are written by hand.
"""

from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.errors import UsageError
from tests.runtime.test_session import by_token, canned
from tests.runtime.tiny_bundle import LABELS

BIO = LABELS["token-classification"]


def tagger(tmp_path, tagged, labels=BIO, **fields):
    """A session whose model gives each piece of "piece/label piece/label ..." its label, and any other piece "O"."""
    by_piece = dict(item.rsplit("/", 1) for item in tagged.split())
    scores = {piece: [9.0 * (name == label) for name in labels] for piece, label in by_piece.items()}
    pieces = tuple(piece for piece in by_piece if len(piece) > 1)

    def answer(session, inputs):
        logits = by_token(session, scores, (len(labels),))(inputs)
        logits[~logits.any(axis=-1), labels.index("O")] = 9
        return {"logits": logits}

    return canned(tmp_path, "token-classification", answer, labels=labels, pieces=pieces, **fields)


def found(session, *args, **options):
    return [(one.label, one.text) for one in session(*args, **options)]


@pytest.mark.parametrize("dot", ["O", "B-LOC", "I-LOC"])
@pytest.mark.parametrize(
    ("text", "tagged", "expected"),
    [
        ("He left St. Louis today", "▁st/B-LOC ▁louis/I-LOC", [("LOC", "St. Louis")]),
        ("U.S. Senate", "▁u/B-LOC s/I-LOC ▁senate/I-LOC", [("LOC", "U.S. Senate")]),
        ("John Smith Jr.", "▁john/B-PER ▁smith/I-PER ▁jr/I-PER", [("PER", "John Smith Jr.")]),
        ("Sen. Smith Jr. and I", "▁sen/B-PER ▁smith/I-PER ▁jr/I-PER", [("PER", "Sen. Smith Jr.")]),
    ],
)
def test_abbreviations(tmp_path, text, tagged, dot, expected):
    assert found(tagger(tmp_path, f"{tagged} ./{dot}"), text) == expected


@pytest.mark.parametrize("inner", ["O", "B-LOC", "I-LOC"])
def test_possessives_and_dashes(tmp_path, inner):
    session = tagger(tmp_path, f"▁germany/B-LOC '/{inner} s/{inner} ▁plymouth/B-LOC kingston/{inner} —/{inner}")
    assert found(session, "Germany's") == found(session, "Germany’s") == [("LOC", "Germany")]
    # The dash is not in the vocabulary. A second name that the model says is outside stays outside.
    names = ["Plymouth", "Kingston"][: 1 if inner == "O" else 2]
    assert found(session, "Plymouth—Kingston") == [("LOC", name) for name in names]


def test_one_label_of_another_kind_does_not_change_the_others(tmp_path):
    session = tagger(tmp_path, "▁john/B-PER ▁smith/I-PER ▁may/DATE", (*BIO, "X", "DATE"))
    assert found(session, "John Smith, May") == [("PER", "John Smith"), ("DATE", "May")]
    session = tagger(tmp_path / "pad", "▁john/B-PER ▁smith/I-PER ./X", (*BIO, "X"))
    assert found(session, "John Smith .", ignore_labels=("O", "X")) == [("PER", "John Smith")]


def test_accents_and_digits_keep_their_places(tmp_path):
    session = tagger(tmp_path, "▁jose/B-PER ▁muller/I-PER ▁2024/I-PER")
    text = "  Jose\u0301  Müller\t2024, 36 years"
    (entity,) = session(text)
    assert (entity.text, entity.start, entity.end) == ("Jose\u0301  Müller\t2024", 2, 20)
    assert entity.word == "jose muller 2024"


@pytest.mark.parametrize(
    "text", ["1,234.5 ﬁlms ½ in London", "Zo\u0308e\u0301 \u0130s in L\u00f3nd\u00f6n", "“ﷺ” 😀 in\tLONDON!"]
)
def test_places_behind_characters_that_change_their_length(tmp_path, text):
    (entity,) = tagger(tmp_path, "▁london/B-LOC")(text)
    assert entity.text == text[entity.start : entity.end]
    assert entity.text.lower() in ("london", "lóndön")


@pytest.mark.parametrize(
    ("text", "tagged", "expected"),
    [
        ("東京に住む", "東京/B-LOC に/O 住む/O", ["東京"]),
        ("私は東京都に住む", "私は/O 東京/B-LOC 都に/I-LOC 住む/O", ["東京都に"]),
        ("我在北京、上海工作", "我在/O 北京/B-LOC 上海/B-LOC 工作/O", ["北京", "上海"]),
        # Thai vowels above and below the line are combining characters, which the vocabulary does not have.
        ("ฉันอยู่กรุงเทพมาก", "กรงเทพ/B-LOC มาก/O", ["กรุงเทพ"]),
    ],
)
@pytest.mark.parametrize("strategy", ["words", "simple"])
def test_scripts_without_spaces_keep_their_entities(tmp_path, text, tagged, expected, strategy):
    session = tagger(tmp_path, tagged)
    assert found(session, text, aggregation_strategy=strategy) == [("LOC", name) for name in expected]


class TestGivenWords:
    def test_answers_count_words(self, tmp_path):
        session = tagger(tmp_path, "▁ada/B-PER ▁lovelace/I-PER ▁london/B-LOC")
        words = ["Ada", "Lovelace", "lived", "in", "London"]
        first, second = session(words=words)
        assert (first.text, first.start, first.start_word, first.end_word) == ("Ada Lovelace", 0, 0, 2)
        assert (second.text, second.start, second.start_word, second.end_word) == ("London", 22, 4, 5)
        assert first.to_dict().keys() == {"label", "text", "score", "start", "end", "word", "start_word", "end_word"}
        (entity, _) = session("Ada  Lovelace,lived in (London)", words=["Ada", "Lovelace", "lived", "London"])
        assert (entity.text, entity.start, entity.end) == ("Ada  Lovelace", 0, 13)
        assert session("Ada Lovelace")[0].start_word is None

    def test_words_without_spaces_between_them(self, tmp_path):
        session = tagger(tmp_path, "▁東京/B-LOC ▁大阪/B-LOC")
        assert found(session, "東京大阪に", words=["東京", "大阪", "に"]) == [("LOC", "東京"), ("LOC", "大阪")]

    def test_a_word_without_tokens_is_counted(self, tmp_path):
        session = tagger(tmp_path, "▁ada/B-PER ▁london/B-LOC")
        assert [(one.text, one.start_word) for one in session(words=["Ada", "\ufe0f", "London"])] == [
            ("Ada", 0),
            ("London", 2),
        ]

    @pytest.mark.parametrize(
        ("text", "words", "message"),
        [
            ("Ada in Rome", ["Ada", "Paris"], r"words\[1\] is 'Paris', which does not occur in the text after char"),
            ("Ada in Rome", ["Rome", "Ada"], r"words\[1\] is 'Ada', which does not occur .* after character 11"),
            (None, "Ada in Rome", "words must be a list of words, not str"),
            (None, ["Ada", None, 3], r"nothing but str; words\[1\] is None, words\[2\] is 3"),
            (None, [], "words holds no word; give it some"),
            (None, [" ", ""], "words holds no word"),
            (None, None, "give a text, or the words of one"),
            ("  ", ["Ada"], "text is empty but for white space"),
        ],
    )
    def test_a_list_that_does_not_match(self, tmp_path, text, words, message):
        with pytest.raises(UsageError, match=message):
            tagger(tmp_path, "▁ada/B-PER")(text, words=words)

    def test_many_lists_of_words(self, tmp_path):
        session = tagger(tmp_path, "▁ada/B-PER ▁london/B-LOC")
        requests = [{"words": ["Ada", "in", "London"]}, {"words": ["London"]}, {"text": "Ada", "words": ["Ada"]}]
        assert session(requests) == [session(**request) for request in requests]


class TestOptions:
    def test_the_label_of_a_word(self, tmp_path):
        session = tagger(tmp_path, "▁lis/B-LOC bon/B-PER")
        text = "Ada in Lisbon"
        assert found(session, text) == found(session, text, aggregation_strategy="first") == [("LOC", "Lisbon")]
        assert found(session, text, aggregation_strategy="simple") == [("LOC", "Lis"), ("PER", "bon")]
        first, second = session(text, aggregation_strategy="none")
        assert [(one.label, one.word, one.start, one.end) for one in (first, second)] == [
            ("B-LOC", "▁lis", 7, 10),
            ("B-PER", "bon", 10, 13),
        ]
        assert second.index == first.index + 1
        with pytest.raises(UsageError, match="must be one of words, none, simple, first, average, max, not 'best'"):
            session(text, aggregation_strategy="best")

    def test_ignored_labels(self, tmp_path):
        session = tagger(tmp_path, "▁ada/B-PER ▁london/B-LOC")
        text = "Ada is in London"
        assert found(session, text, ignore_labels=["O", "PER"]) == [("LOC", "London")]
        assert found(session, text, ignore_labels=[]) == [("PER", "Ada"), ("O", "is in"), ("LOC", "London")]
        tokens = found(session, text, aggregation_strategy="none", ignore_labels=["O", "B-LOC"])
        assert tokens == [("B-PER", "Ada")]
        with pytest.raises(UsageError, match=r"ignore_labels names 'MISC', and the answers .* PER, LOC, B-PER"):
            session(text, ignore_labels=["O", "MISC"])
        with pytest.raises(UsageError, match=r"must be a list of labels, such as \['PER'\], not a str"):
            session(text, ignore_labels="PER")

    @pytest.mark.parametrize(("stride", "windows"), [(0, 4), (10, 4), (31, 6), (1000, 6)])
    def test_windows_of_a_long_text(self, tmp_path, stride, windows):
        session = tagger(tmp_path, "▁ada/B-PER")  # of 64 tokens, [CLS] and [SEP] included
        text = "Ada lived " * 100
        expected = [("PER", place) for place in range(0, 1000, 10)]
        assert [(one.label, one.start) for one in session(text, stride=stride)] == expected
        lengths = [run["input_ids"].shape[1] for run in session.engine.runs]
        assert (len(lengths), max(lengths)) == (windows, 64)
        with pytest.raises(UsageError, match="stride must be a whole number, 0 or more, not -1"):
            session(text, stride=-1)

    def test_a_token_is_read_where_most_of_the_text_around_it_is_shown(self, tmp_path):
        def answer(session, inputs):
            """The first ten tokens of each window, which see little of what stands before them, are wrong."""
            right = by_token(session, {"▁ada": [0, 9, 0, 0, 0], "▁lived": [9, 0, 0, 0, 0]}, (5,))(inputs)
            if len(session.engine.runs) > 1:
                right[:, 1:11] = [0, 0, 0, 9, 0]
            return {"logits": right}

        session = canned(tmp_path, "token-classification", answer)
        text = "ada lived " * 100
        assert {one.label for one in session(text, stride=24)} == {"PER"}
        session.engine.runs.clear()
        assert {one.label for one in session(text, stride=0)} == {"PER", "LOC"}


def test_answers_are_read_only_records(tmp_path):
    (entity,) = tagger(tmp_path, "▁ada/B-PER")("Ada")
    score = np.exp(9) / (np.exp(9) + 4)
    assert entity.to_dict() == {
        "label": "PER",
        "text": "Ada",
        "score": pytest.approx(score),
        "start": 0,
        "end": 3,
        "word": "ada",
    }
