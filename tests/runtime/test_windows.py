from __future__ import annotations

import pytest

from albert_runtime.contexts import TokenizedContext
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from albert_runtime.windows import cut_windows, own_positions
from tests.runtime.tiny_bundle import make_bundle


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return AlbertTokenizer.from_folder(make_bundle(tmp_path_factory.mktemp("bundle"), "question-answering"))


@pytest.mark.parametrize("stride", [0, 1, 3, 4])
@pytest.mark.parametrize("length", [1, 7, 8, 9, 40])
def test_numbers_every_token_of_a_long_context(tokenizer, length, stride):
    context = " ".join(str(number % 10) for number in range(length))
    whole = tokenizer.encode(context, add_special_tokens=False)
    question = tokenizer("a film", add_special_tokens=False).encodings[0]
    room = 13 - 3 - len(question)
    windows = TokenizedContext.of(context, tokenizer).windows(question, tokenizer, length=13, step=room - stride)
    expected = tokenizer(
        "a film", context, truncation="only_second", max_length=13, stride=stride, return_overflowing_tokens=True
    ).encodings
    assert [window.encoding.ids for window in windows] == [encoding.ids for encoding in expected]
    for window in windows:
        inside = window.encoding.ids[window.begin : window.end]
        assert list(inside) == whole[window.first : window.first + len(window)]
    assert windows[-1].first + len(windows[-1]) == len(whole)


@pytest.mark.parametrize("stride", [0, 1, 4, 5])
def test_every_token_is_taken_once_from_the_window_that_shows_most_around_it(tokenizer, stride):
    text = " ".join(str(number % 10) for number in range(30))
    whole = tokenizer.encode(text, add_special_tokens=False)
    encoding = tokenizer(text, add_special_tokens=False).encodings[0]
    windows = cut_windows(tokenizer, encoding, max_length=12, stride=stride)
    expected = tokenizer(
        text, truncation="only_first", max_length=12, stride=stride, return_overflowing_tokens=True
    ).encodings
    assert [window.encoding.ids for window in windows] == [encoding.ids for encoding in expected]
    parts = own_positions(windows)
    taken = [token for window, part in zip(windows, parts, strict=True) for token in window.encoding.ids[part]]
    assert taken == whole

    def context(window, token):
        """The number of tokens of the text on the side of `token` that has fewer; ends of the text do not count."""
        place = token - window.first
        left = place if window.first else len(whole)
        right = len(window) - 1 - place if window.first + len(window) < len(whole) else len(whole)
        return min(left, right)

    for window, part in zip(windows, parts, strict=True):
        for token in range(part.start - window.begin + window.first, part.stop - window.begin + window.first):
            showing = [other for other in windows if other.first <= token < other.first + len(other)]
            assert context(window, token) == max(context(other, token) for other in showing)


def test_a_text_without_tokens_has_one_empty_window(tokenizer):
    encoding = tokenizer("", add_special_tokens=False).encodings[0]
    (window,) = cut_windows(tokenizer, encoding, max_length=12, stride=4)
    assert len(window) == 0
    assert own_positions([window]) == [slice(1, 1)]  # behind [CLS]
