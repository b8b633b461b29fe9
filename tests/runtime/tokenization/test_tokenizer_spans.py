"""The span `text[start:end]` of every token holds the characters that it stands for, despite normalization."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert_runtime.tokenization.tokenizer import AlbertTokenizer

VOCABULARY = Path(__file__).parents[2] / "fixtures" / "albert" / "spiece.model"
LOWER = AlbertTokenizer(VOCABULARY)
AS_WRITTEN = AlbertTokenizer(VOCABULARY, do_lower_case=False, keep_accents=True, remove_space=False)


def stretches(text: str, tokenizer: AlbertTokenizer = LOWER) -> list[tuple[str, str]]:
    [encoding] = tokenizer(text, add_special_tokens=False).encodings
    return [(token, text[start:end]) for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  The  Café ", [("▁the", "The"), ("▁cafe", "Café")]),
        ("cafe\u0301 x", [("▁cafe", "cafe\u0301"), ("▁x", "x")]),  # an accent belongs to its letter
        ("in 1999, 5,", [("▁in", "in"), ("▁1999", "1999"), (",", ","), ("▁5", "5"), (",", ",")]),
        ("``Hi''", [("▁", ""), ('"', "``"), ("hi", "Hi"), ('"', "''")]),
        ("½", [("▁1", "½"), ("⁄", "½"), ("2", "½")]),
        ("\ufb01ne", [("▁fine", "\ufb01ne")]),
        ("a \t [MASK] b", [("▁a", "a"), ("[MASK]", "[MASK]"), ("▁b", "b")]),
        ("İstanbul", [("▁istanbul", "İstanbul")]),
        ("x\ud800 cat", [("▁x", "x"), ("▁cat", "cat")]),
    ],
)
def test_spans(text: str, expected: list[tuple[str, str]]) -> None:
    assert stretches(text) == expected


def test_both_letters_of_a_ligature_have_its_span() -> None:
    halves = [(token, stretch) for token, stretch in stretches("xq\ufb01zk", AS_WRITTEN) if "\ufb01" in stretch]
    spelled = "".join(token for token, _ in stretches("xq\ufb01zk", AS_WRITTEN))
    assert spelled == "▁xqfizk"
    assert halves


@pytest.mark.parametrize("tokenizer", [LOWER, AS_WRITTEN], ids=["lower", "as written"])
@given(text=st.text(max_size=60))
def test_spans_are_in_order_and_cover_each_letter(tokenizer: AlbertTokenizer, text: str) -> None:
    [encoding] = tokenizer(text, add_special_tokens=False).encodings
    before = (0, 0)
    for start, end in encoding.offsets:
        assert before[0] <= start <= end <= len(text)
        assert before[1] <= end
        before = (start, end)
    covered = {place for start, end in encoding.offsets for place in range(start, end)}
    assert {place for place, character in enumerate(text) if character.isascii() and character.isalnum()} <= covered


@given(text=st.text(st.characters(max_codepoint=0x2FF), max_size=60))
def test_a_span_alone_has_the_letters_of_its_token(text: str) -> None:
    for token, stretch in stretches(text):
        letters = [character for character in token if character.isascii() and character.isalpha()]
        spelled = "".join(LOWER.tokenize(stretch))
        assert all(letter in spelled for letter in letters)
