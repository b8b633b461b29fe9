"""The rows of a table, and the functions for Ray and Spark where neither is installed."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import albert_runtime
from albert_runtime.engines.canned_engine import CannedEngine
from albert_runtime.errors import DependencyError, UsageError
from albert_runtime.integrations import spark
from albert_runtime.integrations.ray import AnswerBatches
from albert_runtime.integrations.tables import answer_table
from tests.runtime.tiny_bundle import make_bundle, question_answering_graph


@pytest.fixture
def bundle(tmp_path):
    return make_bundle(tmp_path / "bundle", "question-answering", model=question_answering_graph())


@pytest.fixture
def session(bundle):
    return albert_runtime.load(bundle)


def ask(session, table, **options):
    return answer_table(session, table, list(table), **options)


def test_answers_are_json_and_errors_are_words(session):
    table = {"question": ["where?", "", "where?"], "context": ["in paris", "in rome", float("nan")], "id": [1, 2, 3]}
    answers, errors = ask(session, table)
    assert json.loads(answers[0]) == session("where?", "in paris").to_dict()
    assert (answers[1:], errors[0]) == ([None, None], None)
    assert errors[1:] == ["question is empty; give it some text", "context must be a str, not NoneType"]


def test_options_go_to_every_call(session):
    answers, _ = ask(session, {"question": ["where?"], "context": ["in paris"]}, options={"top_k": 2})
    assert len(json.loads(answers[0])) == 2


def test_strict_raises_the_reason(session):
    with pytest.raises(UsageError, match="question is empty"):
        ask(session, {"question": [""], "context": ["in paris"]}, strict=True)


def test_columns_of_other_names(session):
    table = {"query": ["where?"], "page": ["in paris"]}
    (answer,), _ = ask(session, table, columns={"question": "query", "context": "page"})
    assert json.loads(answer)["text"]
    with pytest.raises(UsageError, match=r"no column for question \(column 'question'\); its columns are: query, page"):
        ask(session, table, columns={"context": "page"})


def test_arrays_of_choices_and_missing_optional_texts(tmp_path):
    def choose(inputs):
        return {"logits": np.zeros(inputs["input_ids"].shape[:-1], np.float32)}

    choosing = albert_runtime.load(make_bundle(tmp_path / "mc", "multiple-choice"), engine=CannedEngine("mc", choose))
    choices = np.empty(1, object)
    choices[0] = np.array(["a door", "a film"], object)
    (answer,), errors = ask(choosing, {"prompt": np.array(["he opened"], object), "choices": choices})
    assert (json.loads(answer)["scores"], errors) == ([0.5, 0.5], [None])

    def label(inputs):
        return {"logits": np.zeros((len(inputs["input_ids"]), 2), np.float32)}

    labelling = albert_runtime.load(
        make_bundle(tmp_path / "cls", "text-classification"), engine=CannedEngine("cls", label)
    )
    answers, errors = ask(labelling, {"text": ["a film"] * 2, "text_pair": [None, "a door"]})
    assert errors == [None, None]
    assert ask(labelling, {"text": ["a film"]})[0] == answers[:1]


def test_a_batch_of_ray_keeps_its_columns(bundle, session):
    answer = AnswerBatches(bundle, threads=1, columns={"context": "page"}, top_k=1)
    batch = {"question": np.array(["where?", ""]), "page": np.array(["in paris", "in rome"]), "id": np.arange(2)}
    answered = answer(batch)
    assert list(answered) == ["question", "page", "id", "answer", "error"]
    assert json.loads(answered["answer"][0]) == session("where?", "in paris").to_dict()
    assert answered["answer"].dtype == answered["error"].dtype == object
    assert answered["error"][1] == "question is empty; give it some text"


@pytest.mark.parametrize(("package", "line"), [("ray", r"ray\[data\]"), ("pyspark", "pyspark pandas pyarrow")])
def test_a_missing_package_is_named_with_its_pip_line(package, line, bundle, monkeypatch):
    for name in (package, "pyspark.sql.types"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DependencyError, match=f"pip install .*{line}"):
        AnswerBatches(bundle) if package == "ray" else spark.with_answers(None)


def test_the_session_of_a_spark_process_stays_open(bundle, monkeypatch):
    class Frame(dict):
        """As much of a pandas DataFrame as is used."""

        @property
        def columns(self):
            return list(self)

        def assign(self, **columns):
            return Frame(self, **columns)

    frame = Frame(question=["where?"], context=["in paris"])
    answer = spark.answer_frames(bundle, threads=1)
    spark._open.cache_clear()
    for _ in range(2):  # two partitions
        (answered,) = answer(iter([frame]))
        assert list(answered) == ["question", "context", "answer", "error"]
        assert answered["error"] == [None]
    assert spark._open.cache_info().misses == 1
    spark._open.cache_clear()
