from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.errors import BundleError
from albert_runtime.postprocessing import (
    MULTI_LABEL,
    REGRESSION,
    SINGLE_LABEL,
    best_answers,
    choose,
    fill_masks,
    judge_order,
    label_text,
    resolve_problem_type,
    softmax,
)
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.tokenizer import AlbertTokenizer
from albert_runtime.windows import TextWindow, number_windows
from tests.runtime.tiny_bundle import make_bundle


def logits(*values):
    return np.array(values, np.float32)


class TestSoftmax:
    def test_by_hand(self):
        assert softmax(np.log(logits(1, 2, 5))) == pytest.approx([0.125, 0.25, 0.625])

    def test_large_logits_do_not_overflow(self):
        assert softmax(logits(1e5, 0, -3e38)).tolist() == [1.0, 0.0, 0.0]

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_refuses_values_that_are_not_finite(self, bad):
        with pytest.raises(BundleError, match="NaN or infinity"):
            softmax(logits(0, bad))


class TestLabelText:
    def test_one_of_several(self):
        found = label_text(np.log(logits(1, 3)), ("bad", "good"), None)
        assert [(one.label, pytest.approx(one.score)) for one in found] == [("good", 0.75), ("bad", 0.25)]

    def test_several_at_once(self):
        found = label_text(logits(0, 800, -800), ("a", "b", "c"), "multi_label_classification")
        assert [(one.label, one.score) for one in found] == [("b", 1.0), ("a", 0.5), ("c", 0.0)]

    @pytest.mark.parametrize("problem_type", [None, "regression"])
    def test_regression_gives_the_value(self, problem_type):
        assert label_text(logits(-2.5), ("stars",), problem_type)[0].score == -2.5

    def test_labels_must_fit_the_graph(self):
        with pytest.raises(BundleError, match="gives 3 scores"):
            label_text(logits(1, 2, 3), ("a", "b"), None)


def test_choose():
    choice = choose(np.log(logits(1, 6, 3)), ["a", "b", "c"])
    assert (choice.index, choice.text, choice.score) == (1, "b", pytest.approx(0.6))
    assert choice.scores == pytest.approx((0.1, 0.6, 0.3))


@pytest.mark.parametrize(("values", "label"), [((2, 1), "in order"), ((1, 2), "swapped"), ((1, 1), "in order")])
def test_judge_order(values, label):
    order = judge_order(np.log(logits(*values)))
    assert (order.label, order.in_order) == (label, label == "in order")
    assert order.score == pytest.approx(max(values) / sum(values))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return AlbertTokenizer.from_folder(make_bundle(tmp_path_factory.mktemp("bundle"), "fill-mask"))


class TestFillMasks:
    def fill(self, tokenizer, text, *pieces):
        """The texts with the first mask filled, if `pieces` are the best ones in this order."""
        (encoding,) = tokenizer(text).encodings
        rows = np.zeros((len(encoding), tokenizer.vocab_size + 8), np.float32)
        rows[:, tokenizer.vocab_size :] = 99  # outputs beyond the vocabulary are never chosen
        for rank, piece in enumerate(tokenizer.convert_tokens_to_ids(pieces)):
            rows[:, piece] = 20 - rank
        masks = fill_masks(rows, encoding, (text,), tokenizer, len(pieces))
        return masks[0]

    def test_a_word_keeps_the_space_and_a_piece_takes_it(self, tokenizer):
        filled = self.fill(tokenizer, "Paris is THE [MASK] of\nFrance.", "▁capital", "s")
        assert [one.token for one in filled] == ["capital", "s"]
        assert [one.text for one in filled] == ["Paris is THE capital of\nFrance.", "Paris is THEs of\nFrance."]
        assert tokenizer.convert_ids_to_tokens([filled[0].token_id]) == ["▁capital"]

    @pytest.mark.parametrize(
        ("text", "filled"),
        [("[MASK] stands", "tower stands"), ("the[MASK]", "the tower"), ("the\n [MASK], he", "the\n tower, he")],
    )
    def test_spaces_around_a_word(self, tokenizer, text, filled):
        assert self.fill(tokenizer, text, "▁tower")[0].text == filled

    def test_several_masks_are_in_order_and_the_other_masks_are_kept(self, tokenizer):
        texts = ("a [MASK] film", "one [MASK] one")
        (encoding,) = tokenizer(*texts).encodings
        places = [place for place, one in enumerate(encoding.ids) if one == tokenizer.mask_token_id]
        rows = np.zeros((len(encoding), tokenizer.vocab_size), np.float32)
        for place, piece in zip(places, tokenizer.convert_tokens_to_ids(["▁good", "▁bad"]), strict=True):
            rows[place, piece] = 9
        first, second = fill_masks(rows, encoding, texts, tokenizer, 1)
        assert (first[0].text, second[0].text) == ("a good film", "one bad one")


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


@pytest.mark.parametrize(
    ("problem_type", "label_count", "expected"),
    [
        (None, 1, REGRESSION),
        (None, 3, SINGLE_LABEL),
        (SINGLE_LABEL, 1, SINGLE_LABEL),
        (MULTI_LABEL, 1, MULTI_LABEL),
        (REGRESSION, 3, REGRESSION),
    ],
)
def test_what_the_logits_of_a_text_classifier_mean(problem_type, label_count, expected):
    assert resolve_problem_type(problem_type, label_count) == expected
