from __future__ import annotations

import logging

import numpy as np
import pytest

import albert_runtime
from albert_runtime.contexts import TokenizedContext
from albert_runtime.errors import BundleError, UsageError
from albert_runtime.printing import format_answers
from tests.runtime.test_session import by_token, canned
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph

TASK = "question-answering"


def by_word(session, inputs):
    """The logits of a model that likes "paris", and "london" less."""
    logits = by_token(session, {"▁paris": 9, "▁london": 6})(inputs)
    return {"start_logits": logits, "end_logits": logits}


def by_word_or_null(null):
    """The same, with the logit `null` for [CLS]."""

    def answer(session, inputs):
        logits = by_token(session, {"▁paris": 9, "▁london": 6, "[CLS]": null})(inputs)
        return {"start_logits": logits, "end_logits": logits}

    return answer


def test_answers_are_whole_words_or_tokens(tmp_path):
    session = canned(tmp_path, TASK, by_word)
    context = "The tower stands in  Paris, not in London."
    for aligned, expected in ((True, ["Paris,", "London."]), (False, ["Paris", "London"])):
        several = session("Is it in Paris?", context, top_k=2, max_answer_len=1, align_to_words=aligned)
        assert [one.text for one in several] == expected
        assert all(context[one.start : one.end] == one.text for one in several)
        assert session("Is it in Paris?", context, align_to_words=aligned) == several[0]
    assert 0.8 < several[0].score < 1


def test_the_place_in_a_long_context(tmp_path):
    session = canned(tmp_path, TASK, by_word)
    context = "a film about a door " * 300 + "Paris" + " he went home" * 300
    answer = session("where?", context)
    assert (answer.text, answer.start) == ("Paris", context.index("Paris"))
    assert max(run["input_ids"].shape for run in session.engine.runs) == (1, 64)
    assert len(session.engine.runs) == len(session.arrays("where?", context)["input_ids"])


class TestWindows:
    def test_they_have_the_length_that_models_are_trained_with(self, tmp_path):
        session = canned(tmp_path, TASK, by_word, max_length=512)
        session("where?", "film " * 500)
        assert session.engine.runs[0]["input_ids"].shape[1] == 384
        session("where?", "film " * 500, max_seq_len=100)
        assert session.engine.runs[-2]["input_ids"].shape[1] == 100

    @pytest.mark.parametrize("length", [1, 7, 8, 9, 40])
    @pytest.mark.parametrize("step", [1, 3, 8, 50])
    def test_they_begin_a_step_apart_and_leave_no_token_out(self, tmp_path, length, step):
        tokenizer = canned(tmp_path, TASK, by_word).tokenizer
        context = TokenizedContext.of(" ".join(str(number % 10) for number in range(length)), tokenizer)
        question = tokenizer("a film", add_special_tokens=False).encodings[0]
        windows = context.windows(question, tokenizer, length=13, step=step)
        whole = tokenizer("a film", context.text).encodings[0]
        count = len(context.encoding)
        assert count > 8 or windows[0].encoding == whole
        for number, window in enumerate(windows):
            assert window.first == number * min(step, 8)
            inside = window.encoding.ids[window.begin : window.end]
            assert inside == context.encoding.ids[window.first : window.first + len(window)]
            assert len(window.encoding) <= 13
        assert windows[-1].first + len(windows[-1]) == count

    def test_a_long_question_is_cut_and_said_once(self, tmp_path, caplog):
        session = canned(tmp_path, TASK, by_word, max_length=384)
        with caplog.at_level(logging.WARNING, "albert_runtime"):
            assert session("film " * 375, "he went home " * 200 + "Paris").text == "Paris"
            session("film " * 100, "Paris")
        assert [record.getMessage() for record in caplog.records] == [
            "the question has 375 tokens and max_question_len is 64: 311 tokens at its end were left out "
            "(said once for each session)"
        ]
        assert len(session.engine.runs) == 5
        assert session.arrays("film " * 80, "Paris", max_question_len=70)["input_ids"].shape == (1, 70 + 4)

    def test_a_question_takes_at_most_half_of_a_window(self, tmp_path, caplog):
        session = canned(tmp_path, TASK, by_word)
        with caplog.at_level(logging.WARNING, "albert_runtime"):
            assert session("film " * 61, "Paris").text == "Paris"
        assert session.engine.runs[0]["input_ids"].shape == (1, 30 + 4)
        assert "but a window of 64 tokens gives it at most 30: 31 tokens" in caplog.records[0].getMessage()


class TestNoAnswer:
    CONTEXT = "The tower stands in Paris"

    def test_the_passage_has_little_of_the_probability(self, tmp_path):
        answer = canned(tmp_path, TASK, by_word_or_null(16.0))("where?", self.CONTEXT)
        assert answer.text == "Paris"
        assert answer.score == pytest.approx(np.exp(-14), rel=0.01)
        assert answer.null_score == pytest.approx(1, abs=0.01)

    def test_the_empty_answer(self, tmp_path):
        session = canned(tmp_path, TASK, by_word_or_null(16.0))
        empty, passage = session("where?", self.CONTEXT, top_k=2, handle_impossible_answer=True)
        assert (empty.text, empty.start, empty.end, empty.score) == ("", 0, 0, empty.null_score)
        assert passage == session("where?", self.CONTEXT)
        assert session("where?", self.CONTEXT, handle_impossible_answer=True) == empty
        assert format_answers(empty, {"context": self.CONTEXT}).startswith("no answer\n  score 0.99")
        empty_last = canned(tmp_path, TASK, by_word_or_null(8.0))(
            "where?", self.CONTEXT, top_k=99, handle_impossible_answer=True
        )
        assert [one.text for one in empty_last][:2] == ["Paris", ""]

    @pytest.mark.parametrize(("threshold", "text"), [(None, "Paris"), (0.0, ""), (1.9, ""), (2.1, "Paris"), (-9, "")])
    def test_the_default_is_the_bundles(self, tmp_path, threshold, text):
        session = canned(tmp_path, TASK, by_word_or_null(10.0), null_threshold=threshold)
        assert session("where?", self.CONTEXT).text == text
        assert session("where?", self.CONTEXT, handle_impossible_answer=False).text == "Paris"
        asked = session("where?", self.CONTEXT, handle_impossible_answer=True).text
        assert asked == ("" if threshold is None else text)

    def test_it_must_win_in_every_window(self, tmp_path):
        session = canned(tmp_path, TASK, by_word_or_null(8.0))
        context = "a film about a door " * 30 + "Paris"
        assert len(session.prepare("where?", context).encodings) > 2
        assert session("where?", context, handle_impossible_answer=True).text == "Paris"


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("… then she wrote", ["…", "then", "she", "wrote", "… then"]),
        ("ﷺ in Paris", ["Paris", "in Paris", "ﷺ in Paris", "ﷺ", "in", "ﷺ in"]),
        ("   Paris    Paris  ", ["Paris", "Paris    Paris"]),
    ],
)
def test_top_k_gives_as_many_different_answers_as_there_are(tmp_path, context, expected):
    session = canned(tmp_path, TASK, by_word)
    for top_k in range(2, len(expected) + 1):
        answers = session("where?", context, top_k=top_k)
        assert len({one.text for one in answers}) == top_k
        assert all(context[one.start : one.end] == one.text for one in answers)
    everything = session("where?", context, top_k=999)
    assert {*expected} <= {one.text for one in everything}
    assert len({one.text for one in everything}) == len(everything)


class TestManyTexts:
    CONTEXTS = ("The tower stands in London", "he went home", "Paris is not far from there")

    def test_the_answers_of_several_contexts_are_ranked_together(self, tmp_path):
        session = canned(tmp_path, TASK, by_word)
        answers = session("where?", self.CONTEXTS, top_k=3)
        assert [(one.text, one.context_index) for one in answers[:2]] == [("Paris", 2), ("London", 0)]
        assert all(self.CONTEXTS[one.context_index][one.start : one.end] == one.text for one in answers)
        alone = [session("where?", context) for context in self.CONTEXTS]
        assert [one.score for one in answers[:2]] == [alone[2].score, alone[0].score]
        assert answers[0].null_score == min(one.null_score for one in alone)
        assert format_answers(answers, {"context": self.CONTEXTS}).count("[Paris]") == 1

    def test_one_text_in_two_contexts_is_two_answers(self, tmp_path):
        answers = canned(tmp_path, TASK, by_word)("where?", ["Paris", "in Paris"], top_k=2)
        assert [(one.text, one.context_index) for one in answers] == [("Paris", 0), ("Paris", 1)]

    def test_many_questions_tokenize_the_context_once(self, tmp_path, monkeypatch):
        session = canned(tmp_path, TASK, by_word)
        questions = ["where?", "what is a capital of France?", "who wrote?"]
        context = "he went home " * 50 + "Paris"
        expected = [session(question, context, 2) for question in questions]
        tokenized = []
        of = TokenizedContext.of.__func__

        def counted(cls, text, tokenizer):
            tokenized.append(text)
            return of(cls, text, tokenizer)

        monkeypatch.setattr(TokenizedContext, "of", classmethod(counted))
        assert session.answer_many(questions, context, 2) == expected
        assert tokenized == [context]
        prepared = list(session.prepare_many(questions, context))
        assert [one.encodings for one in prepared] == [session.prepare(one, context).encodings for one in questions]

    @pytest.mark.parametrize(
        ("questions", "message"),
        [("where?", "must be a list of texts, not str"), (["where?", " "], r"questions\[1\] is empty")],
    )
    def test_questions_that_can_not_be_asked(self, tmp_path, questions, message):
        with pytest.raises(UsageError, match=message):
            canned(tmp_path, TASK, by_word).answer_many(questions, "Paris")


class TestErrors:
    @pytest.mark.parametrize(
        "request_",
        [
            {"top_k": 0},
            {"max_answer_len": 0},
            {"max_question_len": 0},
            {"doc_stride": 0},
            {"doc_stride": 65},
            {"max_seq_len": 4},
            {"max_seq_len": 65},
            {"align_to_words": 1},
            {"handle_impossible_answer": "yes"},
            {"context": " "},
            {"context": []},
            {"context": ["Paris", ""]},
            {"context": "\u0301"},
            {"question": ""},
        ],
        ids=str,
    )
    def test_requests_that_can_not_be_answered(self, tmp_path, request_):
        session = canned(tmp_path, TASK, by_word)
        with pytest.raises(UsageError, match=next(iter(request_))):
            session(**{"question": "where?", "context": "Paris", **request_})
        assert session.engine.runs == []

    def test_a_context_of_unknown_characters(self, tmp_path):
        session = canned(tmp_path, TASK, by_word)
        with pytest.raises(UsageError, match="holds nothing that the tokenizer knows"):
            session("where?", "[SEP]")
        assert session("where?", "[SEP]", handle_impossible_answer=True).text == ""

    def test_logits_that_are_not_finite(self, tmp_path):
        def answer(_, inputs):
            logits = np.full(inputs["input_ids"].shape, np.nan)
            return {"start_logits": logits, "end_logits": logits}

        session = canned(tmp_path, TASK, answer)
        with pytest.raises(BundleError, match="--precision fp32"):
            session("where?", "Paris")


def test_a_hundred_thousand_words(tmp_path):
    bundle = make_bundle(tmp_path, TASK, model=question_answering_graph(), max_length=384)
    context = "he went home and wrote about engines " * 14_286
    answer = albert_runtime.load(bundle)("where?", context)
    assert context[answer.start : answer.end] == answer.text
