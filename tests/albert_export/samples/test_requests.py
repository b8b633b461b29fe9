"""Requests of every task: sessions take each of them, and sample requests are varied enough to verify a bundle."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

import albert_runtime
from albert_export.evaluation.decisions import decide
from albert_export.samples.corpora import corpus_of, language_of
from albert_export.samples.languages import LANGUAGES, Language
from albert_export.samples.requests import requests_from, sample_requests
from albert_export.samples.sample_texts import SampleTexts
from albert_export.samples.texts import evaluation_corpus
from albert_runtime.session import session_class
from albert_runtime.tasks import TASKS
from tests.conftest import CheckpointOf


@pytest.mark.parametrize("task", TASKS)
def test_a_session_answers_them(task: str, bundle_of: CheckpointOf) -> None:
    session = albert_runtime.load(bundle_of(task), verify=False)
    texts = [("One sentence, by itself.", None), ("A question?", "A context of some words."), ("Third.", None)]
    for request in requests_from(texts, TASKS[task]):
        assert decide(session, request).margin >= 0
    assert len(requests_from(evaluation_corpus(), TASKS[task])) == len(evaluation_corpus())


def test_pairs_and_masks() -> None:
    texts = [("A question here?", "A context."), ("With a [MASK] in it.", None)]
    assert requests_from(texts, TASKS["question-answering"])[0] == {
        "question": "A question here?", "context": "A context."
    }  # fmt: skip
    assert requests_from(texts, TASKS["fill-mask"]) == [{"text": "A [MASK] here?"}, {"text": "With a [MASK] in it."}]
    assert requests_from(texts, TASKS["multiple-choice"])[0]["choices"][0] == "A context."


@given(
    texts=st.lists(
        st.tuples(st.text(min_size=1).filter(str.strip), st.none() | st.text(min_size=1).filter(str.strip)), min_size=1
    )
)
def test_any_text_makes_a_request_of_each_task(texts: list[tuple[str, str | None]]) -> None:
    for task in TASKS.values():
        requests = requests_from(texts, task)
        assert len(requests) == len(texts)
        if task.name == "multiple-choice":
            assert all(len(request["choices"]) >= 2 for request in requests)
        if task.name == "fill-mask":
            assert all("[MASK]" in request["text"] for request in requests)


@pytest.mark.parametrize("task", TASKS)
def test_sample_requests_fit_the_sessions_call(task: str) -> None:
    requests = sample_requests(TASKS[task])
    assert len(requests) == 6
    assert len({str(request) for request in requests}) == 6
    for request in requests:
        inspect.signature(session_class(TASKS[task]).__call__).bind(None, **request)


def test_short_sample_requests_are_short() -> None:
    for task in TASKS.values():
        assert all(len(str(request)) < 160 for request in sample_requests(task, 3, short=True))


def test_masks_and_choices_of_sample_requests_vary() -> None:
    assert all(request["text"].count("[MASK]") == 1 for request in sample_requests(TASKS["fill-mask"]))
    counts = {len(request["choices"]) for request in sample_requests(TASKS["multiple-choice"])}
    assert counts == {2, 3, 4, 5, 6, 7}


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_requests_are_in_the_language_of_the_corpus(language: Language) -> None:
    corpus = corpus_of(language)
    samples = SampleTexts([corpus])
    for request in sample_requests(TASKS["fill-mask"], samples=samples):
        before, after = request["text"].split("[MASK]")
        assert before
        assert after
        assert any(line.startswith(before.strip()) for line in corpus.sentences)
    [request] = sample_requests(TASKS["question-answering"], 1, short=True, samples=samples)
    start, end = language.question.split("{}")
    subject = request["question"].removeprefix(start).removesuffix(end)
    assert corpus.sentences[0].startswith(request["context"])
    assert request["context"].startswith(subject.strip())
    assert 0 < len(subject) < 60
    for task in TASKS.values():
        assert len(requests_from(corpus.evaluation, task, language)) == len(corpus.evaluation)


def test_scripts_without_spaces_lose_a_character_to_the_mask() -> None:
    def masked(*texts: str) -> list[str]:
        return [request["text"] for request in requests_from([(text, None) for text in texts], TASKS["fill-mask"])]

    assert masked("人人生而自由。") == ["人人生[MASK]自由。"]
    assert masked("ทุกคนมีสิทธิ") == ["ทุกคน[MASK]สิทธิ"]  # with its vowel sign
    assert masked("모든 사람은 자유롭다.") == ["모든 [MASK] 자유롭다."]


def test_a_text_that_comes_again_has_its_mask_elsewhere() -> None:
    texts = [("one two three four", None)] * 4
    assert [request["text"] for request in requests_from(texts, TASKS["fill-mask"])] == [
        "one two [MASK] four", "one [MASK] three four", "one two three [MASK]", "one two [MASK] four"
    ]  # fmt: skip


def test_the_corpora_take_turns() -> None:
    samples = SampleTexts([corpus_of(language_of(tag)) for tag in ("ko", "en")])
    texts = [request["text"] for request in sample_requests(TASKS["text-classification"], 4, samples=samples)]
    korean, english = (corpus.sentences for corpus in samples.corpora)
    assert texts == [korean[0], english[0], korean[3], english[3]]
