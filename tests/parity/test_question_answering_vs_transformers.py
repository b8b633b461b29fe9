"""Answers of the session against transformers' question-answering pipeline with the slow tokenizer, on equal weights.

The pipeline differs in three ways that are not errors of either side. `expected_answers` takes them out, and
`known_differences` counts them:

- It lists passages with the same text several times: once for each pair of tokens that is extended to the same words,
  and once for each window. A session lists the most probable of them.
- It joins the words of an answer with single spaces. The text of a session is that of the context.
- It counts the white space after an answer as part of it, and says that an answer at the end of the context ends at its
  last character. In a session, `context[start:end]` is the text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest
from transformers import AlbertForQuestionAnswering, AlbertTokenizer
from transformers.data.processors import squad
from transformers.pipelines.question_answering import QuestionAnsweringPipeline

from albert_export.demos import demo_checkpoint
from albert_runtime import AlbertSession, load
from albert_runtime.answers import Answer
from tests.conftest import DemoBundleOf
from tests.shared_data import shared_data

WHITE_SPACE = " \t\r\n\u202f"
TOLERANCE = 1e-4
#: How many answers the pipeline is asked for, until enough of them are different: of each window it keeps only
#: 2 * top_k + 10 passages, many of which have equal texts. If a context has fewer, it fails with a KeyError for [CLS].
ENOUGH = (15, *range(18, 60, 3), *range(60, 100, 10), 100, 600, 3600)

#: What is added to the logits of [CLS] in both. The demo has learned that there is always an answer, so that the empty
#: answer is never among its five best. With this, it is the best one for about half of the questions.
RAISED = 13.5


@pytest.fixture(scope="module")
def pipeline() -> Iterator[QuestionAnsweringPipeline]:
    folder = demo_checkpoint("qa")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(squad, "Pool", ThreadPool)  # the pipeline would start a process for each question
        yield QuestionAnsweringPipeline(
            AlbertForQuestionAnswering.from_pretrained(folder), AlbertTokenizer.from_pretrained(folder)
        )


@pytest.fixture(scope="module")
def session(demo_bundle_of: DemoBundleOf) -> AlbertSession:
    return load(demo_bundle_of("onnx", "question-answering", "fp32"))


def questions_of_xquad() -> list[tuple[str, str]]:
    record = json.loads(shared_data("xquad/xquad.en.json").read_text(encoding="utf-8"))
    paragraphs = [paragraph for article in record["data"] for paragraph in article["paragraphs"]]
    return [(question["question"], one["context"]) for one in paragraphs for question in one["qas"]]


def outputs_of(pipeline: QuestionAnsweringPipeline, question: str, context: str, **options: Any) -> list[Any]:
    example = pipeline.create_sample(question, context)
    return [pipeline.forward(features) for features in pipeline.preprocess(example, **options)]


def expected_answers(
    pipeline: QuestionAnsweringPipeline, outputs: list[Any], context: str, top_k: int, **options: Any
) -> list[dict[str, Any]]:
    by_text: dict[str, dict[str, Any]] = {}
    for enough in ENOUGH:
        try:
            found = pipeline.postprocess(outputs, top_k=enough, **options)
        except KeyError:
            break
        by_text = {}
        for one in [found] if isinstance(found, dict) else found:
            end = len(context[: one["end"] + 1].rstrip(WHITE_SPACE)) if one["answer"] else 0
            text = context[one["start"] : end]
            assert text.split() == one["answer"].split()
            by_text.setdefault(text, {"text": text, "start": one["start"], "end": end, "score": one["score"]})
        if len(by_text) >= top_k:
            break
    return list(by_text.values())[:top_k]


def known_differences(found: list[dict[str, Any]], context: str) -> Counter[str]:
    """How often each known difference occurs in the best answers of the pipeline, as it gives them."""
    kinds: Counter[str] = Counter({"answers": len(found), "the empty answer": 0})
    texts = set()
    for one in found:
        kinds["the empty answer"] += one["answer"] == ""
        end = len(context[: one["end"] + 1].rstrip(WHITE_SPACE)) if one["answer"] else 0
        text = context[one["start"] : end]
        kinds["the text of a better answer"] += text in texts
        kinds["other white space in the text"] += text != one["answer"]
        kinds["another end"] += end != one["end"]
        texts.add(text)
    return kinds


def disagreement(answers: Answer | tuple[Answer, ...], expected: list[dict[str, Any]]) -> str:
    given = [answers] if isinstance(answers, Answer) else list(answers)
    ours = [{"text": one.text, "start": one.start, "end": one.end} for one in given]
    theirs = [{name: value for name, value in one.items() if name != "score"} for one in expected]
    near = len(given) == len(expected) and all(
        abs(one.score - two["score"]) <= TOLERANCE for one, two in zip(given, expected, strict=True)
    )
    return "" if ours == theirs and near else f"{given} != {expected}"


def disagreements(
    pipeline: QuestionAnsweringPipeline,
    session: AlbertSession,
    questions: list[tuple[str, str]],
    counts: dict[tuple[float, int, bool], Counter[str]] | None = None,
    **lengths: Any,
) -> list[str]:
    """The differences for the best answer and the five best ones, with and without impossible answers.

    With impossible answers, they are compared a second time, with RAISED added to the logits of [CLS]. `counts` gets
    the known differences by what was added, by the number of answers, and by whether an answer may be impossible.
    """
    found = []
    for question, context in questions:
        theirs = outputs_of(pipeline, question, context, **lengths)
        ours = list(session.run_each(session.prepare(question, context, **lengths).encodings))
        for raised, impossible in ((0.0, False), (0.0, True), (RAISED, True)):
            for window, output in zip(theirs, ours, strict=True):
                for name in ("start", "end"):
                    window[name][:, 0] += raised
                    output[f"{name}_logits"][0] += raised
            expected = expected_answers(pipeline, theirs, context, 5, handle_impossible_answer=impossible)
            raw = pipeline.postprocess(theirs, top_k=1, handle_impossible_answer=impossible)
            assert (raw["start"], raw["score"]) == (expected[0]["start"], expected[0]["score"])
            for top_k in (1, 5):
                request = session.prepare(question, context, top_k, handle_impossible_answer=impossible, **lengths)
                difference = disagreement(request.finish(ours), expected[:top_k])
                if counts is not None:
                    given = pipeline.postprocess(theirs, top_k=top_k, handle_impossible_answer=impossible)
                    given = [given] if isinstance(given, dict) else given
                    counts.setdefault((raised, top_k, impossible), Counter()).update(known_differences(given, context))
                if difference:
                    where = f"top_k={top_k}, handle_impossible_answer={impossible}, [CLS] raised by {raised}"
                    found.append(f"{question} ({where}): {difference}")
    return found


def test_every_twentieth_question_of_xquad(pipeline: QuestionAnsweringPipeline, session: AlbertSession) -> None:
    assert disagreements(pipeline, session, questions_of_xquad()[::20]) == []


@pytest.mark.parametrize(
    "lengths",
    [
        {"max_seq_len": 96, "doc_stride": 16, "max_question_len": 5},
        {"max_seq_len": 131},
        {"doc_stride": 300},
    ],
    ids=str,
)
def test_lengths(pipeline: QuestionAnsweringPipeline, session: AlbertSession, lengths: dict[str, int]) -> None:
    assert disagreements(pipeline, session, questions_of_xquad()[7::120], **lengths) == []


@pytest.mark.slow
def test_all_questions_of_xquad(pipeline: QuestionAnsweringPipeline, session: AlbertSession) -> None:
    questions = questions_of_xquad()
    assert len(questions) == 1190
    counts: dict[tuple[float, int, bool], Counter[str]] = {}
    found = disagreements(pipeline, session, questions, counts)
    for (raised, top_k, impossible), kinds in counts.items():
        print(f"raised={raised}, top_k={top_k}, handle_impossible_answer={impossible}: {dict(kinds)}")
    assert found == []
    assert counts[0.0, 1, False]["the empty answer"] == 0
    assert 400 < counts[RAISED, 1, True]["the empty answer"] < 800
    assert {kinds["answers"] for (_, top_k, _), kinds in counts.items() if top_k == 1} == {1190}


CONTEXTS = {
    "spaces": "  Clara  lives\tin\r\n\r\nLisbon .  Hugo is a pilot in\u202fMadrid.\n ",
    "no-break spaces": "Clara lives in\u00a0Lisbon\u3000now, and Hugo in Madrid.",
    "characters that are several tokens": "… then she lived in ﷺ … and Hugo lives in ½ Porto … 1999, she said.",
    "unknown characters": "Clara 住在 里斯本 Lisbon, Hugo ❤️ Madrid ❤️.",
    "special tokens": "Clara lives in [SEP] Lisbon [MASK] <unk> or in Porto [CLS] .",
    "quotes and combining marks": "``Clara'' lives in \u0301 Li\u0301sbon, ''not'' in ¨ Porto\u0301.",
    "one word": "Lisbon",
}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=list(CONTEXTS))
def test_strange_contexts(pipeline: QuestionAnsweringPipeline, session: AlbertSession, context: str) -> None:
    assert disagreements(pipeline, session, [("Where does Clara live?", context)]) == []
