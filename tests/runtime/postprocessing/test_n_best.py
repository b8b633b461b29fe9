from __future__ import annotations

import numpy as np
import pytest

from albert_runtime.contexts import TokenizedContext
from albert_runtime.postprocessing.n_best import ContextLogits, best_answers
from albert_runtime.postprocessing.probabilities import softmax
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.windows import TextWindow

#: [CLS] question [SEP]
BEFORE = 3


def context_of(text, offsets, unselectable=()):
    """A context whose tokens are at `offsets`."""
    count = len(offsets)
    encoding = Encoding(
        ids=tuple(range(count)),
        type_ids=(1,) * count,
        attention_mask=(1,) * count,
        special_tokens_mask=(0,) * count,
        tokens=("",) * count,
        offsets=tuple(offsets),
        word_ids=tuple(range(count)),
        sequence_ids=(1,) * count,
        sample=0,
    )
    return TokenizedContext(text, encoding, np.array([number not in unselectable for number in range(count)]))


def letters(count, unselectable=()):
    """The context "a b c ...", in which token n is character 2n."""
    return context_of(
        " ".join("abcdefghijklmnopqrstuvwxyz"[:count]),
        [(2 * one, 2 * one + 1) for one in range(count)],
        unselectable,
    )


def logits_for(context, starts, ends, nulls=(0,), size=None, step=1):
    """The logits of windows of `size` tokens; tokens of the question, [SEP] and padding have the highest logits.

    Args:
        starts, ends: the logit of each token of the context; 0 for those that are not named.
        nulls: the logit of [CLS] in each window.
    """
    count = len(context.encoding)
    size = size or count
    windows = [
        TextWindow(context.encoding, BEFORE, BEFORE + min(size, count - first), first)
        for first in range(0, max(count - size, 0) + step, step)
    ]

    def rows(values):
        return [
            np.array([null, 99, 99, *(values.get(window.first + at, 0) for at in range(len(window))), 99, 99], "f4")
            for window, null in zip(windows, nulls, strict=True)
        ]

    return ContextLogits(context, windows, rows(starts), rows(ends))


def best(contexts, top_k=1, **options):
    return best_answers(contexts, **{"top_k": top_k, "max_answer_len": 30, **options})


def test_score_is_the_product_of_two_distributions_over_cls_and_the_context():
    (answer,) = best([logits_for(letters(4), {1: np.log(7)}, {2: np.log(2)}, [np.log(5)])])
    assert (answer.text, answer.start, answer.end) == ("b c", 2, 5)
    assert answer.score == pytest.approx(7 / 15 * 2 / 10)
    assert answer.null_score == pytest.approx(5 / 15 * 5 / 10)


def test_the_question_and_the_special_tokens_never_answer():
    context = letters(4, unselectable=[2])
    answers = best([logits_for(context, {2: 50}, {2: 50})], top_k=99)
    # "c" is no start and no end, but an answer may contain it
    assert [one.text for one in answers] == ["a", "a b", "a b c d", "b", "b c d", "d"]
    assert sum(one.score for one in best([logits_for(context, {0: 50}, {0: 50})])) == pytest.approx(1)


def test_an_answer_never_ends_before_it_starts():
    (answer,) = best([logits_for(letters(5), {3: 9}, {1: 8})])
    assert answer.text == "d"


@pytest.mark.parametrize(("longest", "expected"), [(30, "b c d e f g"), (6, "b c d e f g"), (5, "b")])
def test_answers_have_a_longest_length(longest, expected):
    assert best([logits_for(letters(9), {1: 9}, {6: 9})], max_answer_len=longest)[0].text == expected


def test_n_best_by_hand():
    answers = best([logits_for(letters(2), {0: 3, 1: 1}, {0: 1, 1: 2})], top_k=9)
    # start + end: "a b" 3+2, "a" 3+1, "b" 1+2
    assert [one.text for one in answers] == ["a b", "a", "b"]
    assert answers[0].score > answers[1].score > answers[2].score


def test_each_window_has_its_own_distributions_and_the_least_null_score_counts():
    logits = logits_for(letters(4), {1: 2, 3: 1}, {1: 2, 3: 1}, nulls=[3, 1, 2], size=2, step=1)
    answers = best([logits], top_k=3, max_answer_len=1)
    in_window = [softmax(np.array(row)) for row in ([3, 0, 2], [1, 2, 0], [2, 0, 1])]
    assert [one.text for one in answers] == ["b", "d", "c"]
    assert [one.score for one in answers] == pytest.approx(
        [in_window[1][1] ** 2, in_window[2][2] ** 2, in_window[2][1] ** 2]
    )
    assert answers[0].null_score == pytest.approx(in_window[1][0] ** 2)


@pytest.mark.parametrize(("threshold", "place"), [(None, None), (0.5, 0), (1.5, 1), (2.5, 2), (99, 3)])
def test_the_empty_answer_ranks_by_the_threshold(threshold, place):
    # "a b", "a" and "b" have 1, 2 and 3 less than "no answer"
    logits = logits_for(letters(2), {0: 3, 1: 1}, {0: 1, 1: 2}, nulls=[3])
    texts = [one.text for one in best([logits], top_k=9, null_threshold=threshold)]
    assert (texts.index("") if "" in texts else None) == place
    assert [text for text in texts if text] == ["a b", "a", "b"]


class TestTokensAndWords:
    def test_an_answer_may_start_on_a_bare_space_mark_but_is_listed_once(self):
        context = context_of("x", [(0, 0), (0, 1)])
        logits = logits_for(context, {0: 5, 1: 1}, {0: 5, 1: 1}, nulls=[-99])
        (tokens,) = best([logits], top_k=5, align_to_words=False)
        shares = softmax(np.array([5.0, 1.0]))
        assert (tokens.text, tokens.start, tokens.end) == ("x", 0, 1)
        assert tokens.score == pytest.approx(shares[0] * shares[1])
        # extended to words, the bare mark stands for the word that follows
        (words,) = best([logits], top_k=5)
        assert words.text == "x"
        assert words.score == pytest.approx(shares[0] ** 2)

    def test_words_are_what_stands_between_white_space(self):
        text = "\tAnna's (dog),\n now"
        context = context_of(text, [(1, 3), (3, 5), (5, 7), (8, 9), (9, 12), (12, 14), (16, 19)])
        logits = logits_for(context, {1: 9}, {4: 9})
        assert best([logits], align_to_words=False)[0].text == "na's (dog"
        assert best([logits])[0].text == "Anna's (dog),"

    def test_passages_that_read_the_same_are_one_answer(self):
        context = context_of("a b a", [(0, 1), (2, 3), (4, 5)])
        answers = best([logits_for(context, {0: 1, 2: 2}, {0: 1, 2: 2})], top_k=2, max_answer_len=1)
        assert [(one.text, one.start) for one in answers] == [("a", 4), ("b", 2)]


def test_nothing_to_answer_from():
    logits = logits_for(letters(2, unselectable=[0, 1]), {}, {})
    assert best([logits]) == ()
    (empty,) = best([logits], null_threshold=0)
    assert (empty.text, empty.score) == ("", 1.0)
