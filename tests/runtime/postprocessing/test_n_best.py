from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.postprocessing.n_best import best_answers
from albert_runtime.postprocessing.probabilities import softmax
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.windows import TextWindow, number_windows


def logits(*values):
    return np.array(values, np.float32)


class TestBestAnswers:
    """Contexts of one-letter words "a b c ...", in which token n is character 2n."""

    def windows(self, length, size, stride):
        text = " ".join("abcdefghijklmnopqrstuvwxyz"[:length])
        encodings = []
        for first in range(0, max(1, length - stride), size - stride):
            inside = range(first, min(first + size, length))
            count = len(inside)
            encodings.append(
                Encoding(
                    ids=(2, 9, 3, *inside, 3),
                    type_ids=(0, 0, 0, *(1,) * (count + 1)),
                    attention_mask=(1,) * (count + 4),
                    special_tokens_mask=(1, 0, 1, *(0,) * count, 1),
                    tokens=("[CLS]", "q", "[SEP]", *(text[2 * one] for one in inside), "[SEP]"),
                    offsets=((0, 0), (0, 1), (0, 0), *((2 * one, 2 * one + 1) for one in inside), (0, 0)),
                    word_ids=(None, 0, None, *inside, None),
                    sequence_ids=(None, 0, None, *(1,) * count, None),
                    sample=0,
                )
            )
        return text, number_windows(encodings, sequence_id=1, stride=stride)

    def best(self, text, windows, starts, ends, top_k=1, max_answer_tokens=30):
        """The answers for given logits of the tokens of the context; all other tokens have the highest logits."""

        def rows(values):
            return [
                logits(99, 99, 99, *(values.get(window.first + place, 0) for place in range(len(window))), 99, 99, 99)
                for window in windows
            ]

        return best_answers(windows, rows(starts), rows(ends), text, top_k=top_k, max_answer_tokens=max_answer_tokens)

    def test_score_is_the_product_of_two_distributions_over_the_context(self):
        text, windows = self.windows(4, 10, 0)
        (answer,) = self.best(text, windows, {1: np.log(7)}, {2: np.log(2)})
        assert (answer.text, answer.start, answer.end) == ("b c", 2, 5)
        assert answer.score == pytest.approx(7 / 10 * 2 / 5)

    def test_the_question_and_the_special_tokens_never_answer(self):
        text, windows = self.windows(3, 10, 0)
        assert all(0 <= one.start < one.end <= len(text) for one in self.best(text, windows, {}, {}, top_k=99))

    def test_an_answer_never_ends_before_it_starts(self):
        text, windows = self.windows(5, 10, 0)
        (answer,) = self.best(text, windows, {3: 9}, {1: 8})
        assert answer.start <= answer.end
        assert answer.text == "d"

    def test_answers_have_a_longest_length(self):
        text, windows = self.windows(9, 10, 0)
        assert self.best(text, windows, {1: 9}, {6: 9})[0].text == "b c d e f g"
        assert len(self.best(text, windows, {1: 9}, {6: 9}, max_answer_tokens=3)[0].text.split()) <= 3

    def test_n_best_by_hand(self):
        text, windows = self.windows(2, 10, 0)
        answers = self.best(text, windows, {0: 3, 1: 1}, {0: 1, 1: 2}, top_k=9)
        # start + end: "a b" 3+2, "a" 3+1, "b" 1+2
        assert [one.text for one in answers] == ["a b", "a", "b"]
        assert answers[0].score > answers[1].score > answers[2].score

    @pytest.mark.parametrize(("size", "stride"), [(26, 0), (10, 4), (8, 4), (6, 1)])
    def test_windows_change_neither_answers_nor_scores(self, size, stride):
        one_text, one_window = self.windows(26, 30, 0)
        text, windows = self.windows(26, size, stride)
        starts, ends = {2: 5, 8: 6, 20: 4}, {2: 4, 8: 5, 20: 8}
        expected = self.best(one_text, one_window, starts, ends, top_k=3, max_answer_tokens=1)
        assert self.best(text, windows, starts, ends, top_k=3, max_answer_tokens=1) == expected
        assert [one.text for one in expected] == ["u", "i", "c"]

    def test_an_answer_may_start_on_a_bare_space_mark_but_is_listed_once(self):
        encoding = Encoding(
            ids=(2, 9, 3, 5, 6, 3),
            type_ids=(0, 0, 0, 1, 1, 1),
            attention_mask=(1,) * 6,
            special_tokens_mask=(1, 0, 1, 0, 0, 1),
            tokens=("[CLS]", "q", "[SEP]", "▁", "x", "[SEP]"),
            offsets=((0, 0), (0, 1), (0, 0), (0, 0), (0, 1), (0, 0)),
            word_ids=(None, 0, None, 0, 0, None),
            sequence_ids=(None, 0, None, 1, 1, None),
            sample=0,
        )
        window = TextWindow(encoding, 3, 5, 0)
        row = logits(0, 0, 0, 5, 1, 0)
        answers = best_answers([window], [row], [row], "x", top_k=5, max_answer_tokens=9)
        assert [(one.text, one.start, one.end) for one in answers] == [("x", 0, 1)]
        assert answers[0].score == pytest.approx(softmax(logits(5, 1))[0] * softmax(logits(5, 1))[1])

    def test_nothing_to_answer_from(self):
        encoding = Encoding(
            (2, 3, 3), (0, 0, 1), (1, 1, 1), (1, 1, 1), ("a",) * 3, ((0, 0),) * 3, *[(None,) * 3] * 2, 0
        )
        windows = number_windows([encoding], sequence_id=1, stride=0)
        assert best_answers(windows, [logits(0, 0, 0)], [logits(0, 0, 0)], " ", top_k=1, max_answer_tokens=9) == ()
