from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert_runtime.errors import UsageError
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from albert_runtime.tokenization.truncation import Truncation, beginning

TOKENIZER = AlbertTokenizer(Path(__file__).parents[2] / "fixtures" / "albert" / "spiece.model")


@given(st.data())
def test_windows_cover_every_token(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 20))
    stride = data.draw(st.integers(0, size - 1))
    question = data.draw(st.integers(0, 10))
    length = data.draw(st.integers(0, 200))
    windows = Truncation("only_second", stride, overflow=True).windows(question, length, question + size)
    starts = [window.second.start for window in windows]
    assert starts == [number * (size - stride) for number in range(len(windows))]
    assert {token for window in windows for token in window.second} == set(range(length))
    assert all(window.first == range(question) for window in windows)
    assert all(len(window.second) == size for window in windows[:-1])
    # no window is unnecessary
    assert all(window.second.stop < length for window in windows[:-1])


@pytest.mark.parametrize(
    ("first", "second", "room", "kept"),
    [
        (10, 4, 9, (5, 4)),
        (10, 4, 8, (4, 4)),
        (10, 4, 7, (4, 3)),
        (4, 10, 7, (4, 3)),
        (5, 5, 5, (3, 2)),
        (3, 3, 6, (3, 3)),
        (9, 0, 1, (1, 0)),
    ],
)
def test_longest_first(first: int, second: int, room: int, kept: tuple[int, int]) -> None:
    [window] = Truncation("longest_first").windows(first, second, room)
    assert (len(window.first), len(window.second)) == kept


def test_windows_of_a_question_and_its_context() -> None:
    context = "one two three four five six seven eight nine ten"
    batch = TOKENIZER(
        ["who", "what"],
        [context, "short"],
        truncation="only_second",
        max_length=9,
        stride=2,
        return_overflowing_tokens=True,
        padding=True,
    )
    seen = [
        " ".join(context[a:b] for (a, b), which in zip(e.offsets, e.sequence_ids, strict=True) if which == 1)
        for e in batch.encodings[:-1]
    ]
    assert seen == [
        "one two three four five",
        "four five six seven eight",
        "seven eight nine ten",
    ]
    assert batch["overflow_to_sample_mapping"] == [0, 0, 0, 1]
    assert batch.to_arrays()["input_ids"].shape == (4, 9)


def test_one_text_in_windows_is_a_list() -> None:
    batch = TOKENIZER("one two three", truncation=True, max_length=4, return_overflowing_tokens=True)
    assert [len(row) for row in batch["input_ids"]] == [4, 3]
    assert batch["overflow_to_sample_mapping"] == [0, 0]
    assert len(TOKENIZER("one", return_overflowing_tokens=True)["input_ids"]) == 1


def test_every_text_that_can_not_be_cut_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        TOKENIZER(
            ["one two three four five", "one", "one two three four five"],
            ["f"] * 3,
            truncation="only_second",
            max_length=6,
        )
    message = str(caught.value)
    assert "text 0: the first text alone has 5 tokens" in message
    assert "text 2" in message
    assert "text 1" not in message


def test_a_stride_must_move_the_window() -> None:
    with pytest.raises(UsageError, match="stride=3 does not move a window that has room for 3 tokens"):
        TOKENIZER("a b c d e f", truncation=True, max_length=5, stride=3, return_overflowing_tokens=True)


@given(
    st.lists(st.sampled_from(["a", "b1", "\u0301", "  ", "\n", "x" * 300, "\u4f60\u597d", ","]), max_size=400),
    st.integers(3, 12),
)
def test_the_beginning_of_a_text_has_enough_words(words, tokens):
    text = " ".join(words)
    found = beginning(text, tokens)
    assert text.startswith(found)
    if found != text:
        assert len(text) > 64 * tokens
        assert text[len(found)] == " "
        assert sum(any(sign in "ab1x" for sign in word) for word in found.split(" ")) == tokens
