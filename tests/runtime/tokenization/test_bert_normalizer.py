"""Each step of BERT's normalization, and the stretch of the original text that each character came from."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert_runtime.tokenization.aligned_text import AlignedText
from albert_runtime.tokenization.bert_normalizer import BertNormalizer, is_chinese, is_punctuation

CASED = BertNormalizer(do_lower_case=False)
PLAIN = BertNormalizer(do_lower_case=False, tokenize_chinese_chars=False)


def words(text: str, normalizer: BertNormalizer) -> list[tuple[str, str]]:
    """Each word, and its stretch of `text`."""
    aligned = normalizer.normalize(AlignedText.of(text))
    found = []
    position = 0
    for word in aligned.text.split():
        start = aligned.text.index(word, position)
        position = start + len(word)
        found.append((word, text[aligned.starts[start] : aligned.ends[position - 1]]))
    return found


@pytest.mark.parametrize(
    ("text", "normalizer", "expected"),
    [
        ("A b\u3000c\xa0d", BertNormalizer(), [("a", "A"), ("b", "b"), ("c", "c"), ("d", "d")]),
        ("Hi, you$", CASED, [("Hi", "Hi"), (",", ","), ("you", "you"), ("$", "$")]),
        ("中文ok。", CASED, [("中", "中"), ("文", "文"), ("ok", "ok"), ("。", "。")]),
        ("中文ok。", PLAIN, [("中文ok", "中文ok"), ("。", "。")]),
        ("かな漢", CASED, [("かな", "かな"), ("漢", "漢")]),
        # a control character, U+FFFD, one for private use and one that is not assigned
        ("a\0b\ufffdc\ue000d\U0010ffffe\u200d", CASED, [("abcde", "a\0b\ufffdc\ue000d\U0010ffffe\u200d")]),
        ("Café", BertNormalizer(), [("cafe", "Café")]),
        ("cafe\u0301 x", CASED, [("café", "cafe\u0301"), ("x", "x")]),
        ("Café", BertNormalizer(strip_accents=False), [("café", "Café")]),
        ("Café", BertNormalizer(do_lower_case=False, strip_accents=True), [("Cafe", "Café")]),
        ("が", BertNormalizer(), [("か", "が")]),
        ("가나", BertNormalizer(), [("\u1100\u1161\u1102\u1161", "가나")]),
        ("\u1112\u1161\u11abx", CASED, [("한x", "\u1112\u1161\u11abx")]),
        (
            "ΟΔΟΣ ΟΣ.Α ΟΣ.",
            BertNormalizer(),
            [("οδος", "ΟΔΟΣ"), ("οσ", "ΟΣ"), (".", "."), ("α", "Α"), ("ος", "ΟΣ"), (".", ".")],
        ),
        ("İİ", BertNormalizer(), [("ii", "İİ")]),
        ("İ", BertNormalizer(strip_accents=False), [("i\u0307", "İ")]),
        ("=\u0338", CASED, [("≠", "=\u0338")]),  # NFC comes before punctuation
        ("=\u0338", BertNormalizer(), [("=", "=\u0338")]),
        ("\u1fefa\u037e", CASED, [("`", "\u1fef"), ("a", "a"), (";", "\u037e")]),
        ("\U0002f800豈", CASED, [("丽", "\U0002f800"), ("豈", "豈")]),
        ("", CASED, []),
        ("\0", CASED, []),
        ("\u0301", BertNormalizer(), []),
    ],
)
def test_words(text: str, normalizer: BertNormalizer, expected: list[tuple[str, str]]) -> None:
    assert words(text, normalizer) == expected


def test_words_that_are_never_split() -> None:
    special = frozenset({"[MASK]", "<pad>"})
    cased = BertNormalizer(do_lower_case=False, never_split=special)
    assert words("[MA\u200bSK] x[MASK]", cased) == [
        ("[MASK]", "[MA\u200bSK]"),
        *[("x", "x"), ("[", "["), ("MASK", "MASK"), ("]", "]")],
    ]
    # Lower-casing makes another one, which is not split, either.
    lower = BertNormalizer(never_split=special)
    assert [word for word, _ in words("A [MASK] <PÁD> [mask]", lower)] == ["a", "[MASK]", "<pad>", "[", "mask", "]"]


def test_the_ranges_of_characters() -> None:
    ascii_marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    assert "".join(filter(is_punctuation, map(chr, range(128)))) == ascii_marks
    assert list(map(is_punctuation, "。、「¿€£½")) == [True, True, True, True, False, False, False]
    assert list(map(is_chinese, "一\u4dff㐀かカ한々\U00020000\U000323af")) == [
        True,
        False,
        True,
        *[False] * 4,
        True,
        False,
    ]


_PARTS = (
    "e",
    "\u0301",
    "\u0323",
    "\u0f71",
    "\u0f73",
    "\u0344",
    "한",
    "\u1112",
    "\u1161",
    "\u11ab",
    "\u09c7",
    "\u09be",
    " ",
)
_COMBINING = st.lists(st.sampled_from(_PARTS) | st.characters(codec="utf-8"), max_size=12).map("".join)


@given(_COMBINING)
def test_composing_keeps_track_of_characters(text: str) -> None:
    composed = AlignedText.of(text).compose()
    assert composed.text == unicodedata.normalize("NFC", text)
    assert len(composed.text) == len(composed.starts) == len(composed.ends)
    assert (composed.starts[1:] >= composed.starts[:-1]).all()
    assert (composed.ends[1:] >= composed.ends[:-1]).all()
    for character, start, end in zip(composed.text, composed.starts, composed.ends, strict=True):
        assert character in unicodedata.normalize("NFC", text[start:end])
    # No character is left out, as composing drops none.
    assert {
        place for start, end in zip(composed.starts, composed.ends, strict=True) for place in range(start, end)
    } == {*range(len(text))}


def test_long_sequences_of_marks() -> None:
    """They are one sequence each for Unicode; an algorithm with the square of their length would never end."""
    for text in ("e" + "\u0301" * 20_000, "\u1161" * 20_000, "\u1112\u1161\u11ab" * 10_000, "中\0" * 10_000):
        normalized = BertNormalizer().normalize(AlignedText.of(text))
        assert len(normalized.starts) == len(normalized.text)
