"""The texts and questions that are answered in a benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albert_export.bench.settings import Workload
from albert_runtime.errors import UsageError


def test_both_files(tmp_path: Path) -> None:
    texts = tmp_path / "lines.txt"
    texts.write_text("one\r\n\n  \ntwo words\n")
    answers = [{"text": "Ada", "answer_start": 0}]
    asked = [{"id": str(index), "question": f"Who {index}?", "answers": answers} for index in range(3)]
    squad = tmp_path / "dev.json"
    squad.write_text(json.dumps({"data": [{"paragraphs": [{"context": "Ada was here.", "qas": asked}]}]}))
    workload = Workload.read(texts, squad)
    assert workload.texts == ("one", "two words")
    assert workload.questions[2] == ("Who 2?", "Ada was here.")
    assert workload.to_dict() == {
        "texts_file": str(texts), "texts": 2, "questions_file": str(squad), "questions": 3,
    }  # fmt: skip
    assert Workload.read(None, None) == Workload()


def test_files_that_hold_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n \n")
    with pytest.raises(UsageError, match="--texts takes a file with a text on each line"):
        Workload.read(empty, None)
    empty.write_text("no JSON")
    with pytest.raises(UsageError, match=f"{empty.name}: Expecting value"):
        Workload.read(None, empty)


@given(st.lists(st.text(min_size=1), max_size=20), st.integers(min_value=1, max_value=5))
def test_rounds_share_the_texts(texts: list[str], rounds: int) -> None:
    shares = [Workload(texts=tuple(texts)).share(number, rounds).texts for number in range(rounds)]
    assert sorted(text for share in shares for text in share) == sorted(texts)


def test_samples_are_spread_over_the_files() -> None:
    workload = Workload(texts=("text",) * 10, questions=(("q", "c"),) * 3)
    assert workload.sample(4) == [(0, 3, 6, 9), (0, 1, 2)]
    assert Workload().sample(4) == [(), ()]
