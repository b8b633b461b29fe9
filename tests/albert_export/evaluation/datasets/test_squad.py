"""SQuAD files of both versions; errors name the places that are damaged."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from albert_export.evaluation import Dataset, read_dataset
from albert_runtime.errors import UsageError

CONTEXT = "Ada lived in London."


def question(name: object = "q1", **fields: object) -> dict[str, Any]:
    return {"id": name, "question": "Where?", "answers": [{"text": "London", "answer_start": 13}], **fields}


def squad(*questions: object, **fields: object) -> dict[str, Any]:
    return {"data": [{"title": "Ada", "paragraphs": [{"context": CONTEXT, "qas": list(questions)}]}], **fields}


def read(folder: Path, record: object) -> Dataset:
    file = folder / "dev.json"
    file.write_text(record if isinstance(record, str) else json.dumps(record), encoding="utf-8")
    return read_dataset(file, "qa")


def test_first_version(tmp_path: Path) -> None:
    dataset = read(tmp_path, squad(question(), question(2), version="1.1"))
    assert dataset.kind == "SQuAD v1.1"
    assert [example.name for example in dataset.examples] == ["q1", "2"]
    assert dataset.examples[0].request == {"question": "Where?", "context": CONTEXT}
    assert dataset.examples[0].expected == ("London",)


@pytest.mark.parametrize(
    "record",
    [
        squad(question(), question("q2", answers=[]), version="v2.0"),
        squad(question(is_impossible=False), question("q2", answers=[], is_impossible=True, plausible_answers=[1])),
    ],
)
def test_second_version(tmp_path: Path, record: dict[str, Any]) -> None:
    dataset = read(tmp_path, record)
    assert dataset.kind == "SQuAD v2.0"
    assert [example.expected for example in dataset.examples] == [("London",), ()]


def test_misplaced_answers_cause_only_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answers = [{"text": "London", "answer_start": start} for start in (13, 12, "13", -3, 10**9)] + [{"text": "London"}]
    with caplog.at_level(logging.WARNING):
        dataset = read(tmp_path, squad(question(answers=answers)))
    assert dataset.examples[0].expected == ("London",) * 6
    (record,) = caplog.records
    assert "4 answers are not in their context" in record.getMessage()


def test_right_places_cause_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read(tmp_path, squad(question()))
    assert not caplog.records


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "is a JSON list"),
        ("null", 'is a JSON null, not an object with "data"'),
        ({}, 'the file has no list "data"'),
        ({"data": []}, "has no question"),
        ({"data": [3]}, "data[0] is not an object"),
        ({"data": [{"paragraphs": None}]}, 'data[0] has no list "paragraphs"'),
        ({"data": [{"paragraphs": [{"qas": []}]}]}, 'data[0].paragraphs[0] has no text "context"'),
        (squad(question(), 7), "data[0].paragraphs[0].qas[1] is not an object"),
        (squad({}), 'qas[0] has no "id", has no text "question", has no list "answers"'),
        (squad(question(answers=["London"])), 'has no list "answers" of objects with "text"'),
        (squad(question(answers=[])), "has no answer, which is allowed in v2.0 files only"),
        (squad(question(), question()), "2 questions have the id 'q1'"),
        (json.dumps(squad(question()))[:-20], "it ends in the middle: "),
        ('{"data": [\n "é" "paragraphs"]}', "Expecting ',' delimiter at byte 17 of 31"),
        ('{"data": ' + "[" * 100_000, "not JSON that can be used: brackets are nested too deep"),
        ('{"data": ' + "9" * 5000 + "}", "not JSON that can be used: a number has too many digits"),
    ],
)
def test_refused(tmp_path: Path, record: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, record)
    assert message in str(caught.value)
    assert "dev.json" in str(caught.value)


def test_the_byte_where_a_file_is_cut_off(tmp_path: Path) -> None:
    whole = json.dumps(squad(question()), ensure_ascii=False).replace("Ada", "Ådå")
    cut = whole[: whole.index("London") + 3]
    with pytest.raises(UsageError, match="Unterminated string") as caught:
        read(tmp_path, cut)
    begins = len(cut[: cut.index("Lon") - len("Ådå lived in ") - 1].encode())
    assert f"string starting at byte {begins} of {len(cut.encode())}" in str(caught.value)
