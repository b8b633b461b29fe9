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
from albert_runtime.printing import to_json
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


class Cell:
    """A cell of an Arrow table."""

    def __init__(self, value):
        self.value = value

    def as_py(self):
        return self.value


def test_cells_of_arrow_tables(session):
    table = {"question": [Cell("where?"), Cell("where?")], "context": [Cell("in paris"), Cell(None)]}
    answers, errors = ask(session, table)
    assert json.loads(answers[0]) == session("where?", "in paris").to_dict()
    assert (answers[1], errors) == (None, [None, "context must be a str, not NoneType"])


def test_batches_of_ray_are_arrow_tables(bundle):
    answer = AnswerBatches(bundle, threads=1)
    with pytest.raises(UsageError, match='a batch is a dict; give map_batches the argument batch_format="pyarrow"'):
        answer({"question": np.array(["where?"]), "context": np.array(["in paris"])})


@pytest.mark.parametrize(("package", "line"), [("ray", r"ray\[data\]"), ("pyspark", "pyspark pandas pyarrow")])
def test_a_missing_package_is_named_with_its_pip_line(package, line, bundle, monkeypatch):
    for name in (package, "pyspark.sql.types"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DependencyError, match=f"pip install .*{line}"):
        AnswerBatches(bundle) if package == "ray" else spark.with_answers(None)


class Frame(dict):
    """As much of a pandas DataFrame as is used."""

    @property
    def columns(self):
        return list(self)

    def assign(self, **columns):
        return Frame(self, **columns)

    def __getitem__(self, names):
        return Frame({name: self[name] for name in names}) if isinstance(names, list) else super().__getitem__(names)


@pytest.fixture
def answered(bundle):
    """Answers a data frame as a partition of Spark."""
    spark._open.cache_clear()
    answer = spark.answer_frames(bundle, threads=1)

    def answer_one(frame):
        (answered_,) = answer(iter([frame]))
        return answered_

    yield answer_one
    spark._open.cache_clear()


def test_the_session_of_a_spark_process_stays_open(answered):
    for _ in range(2):  # two partitions
        frame = answered(Frame(question=["where?"], context=["in paris"]))
        assert list(frame) == ["question", "context", "answer", "error"]
        assert frame["error"] == [None]
    assert spark._open.cache_info().misses == 1


def test_a_spark_process_opens_a_bundle_that_was_exported_again(answered, bundle):
    frame = Frame(question=["where?"], context=["the tower stands in paris"])
    before = answered(frame)["answer"]
    make_bundle(bundle, "question-answering", model=question_answering_graph(seed=1))
    assert answered(frame)["answer"] == [to_json(albert_runtime.load(bundle)("where?", "the tower stands in paris"))]
    assert answered(frame)["answer"] != before


def test_columns_of_earlier_answers_are_replaced(answered):
    frame = answered(Frame(error=["old"], answer=["old"], question=["where?"], context=["in paris"]))
    assert list(frame) == ["question", "context", "answer", "error"]
    assert frame["error"] == [None]
