"""CoNLL files of several kinds; errors name the lines that can't be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from albert_export.evaluation import Dataset, read_dataset
from albert_runtime.errors import UsageError

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def read(folder: Path, text: str, labels: tuple[str, ...] = LABELS) -> Dataset:
    file = folder / "test.conll"
    file.write_text(text, encoding="utf-8", newline="")
    return read_dataset(file, "ner", labels=labels)


@pytest.mark.parametrize(
    "text",
    [
        "Ada O\nLovelace I-PER\n\nin O\nParis B-LOC\n. O\n",
        "Ada\tO\r\nLovelace\tI-PER\r\n\r\n\r\nin\tO\r\nParis\tB-LOC\r\n.\tO",
        "-DOCSTART- -X- O O\n\nAda NNP B-NP O\nLovelace NNP I-NP I-PER\n\n"
        "in IN B-PP O\nParis NNP B-NP B-LOC\n. . O O\n",
        "-DOCSTART-\nAda  O\nLovelace   I-PER\n \nin O\nParis B-LOC\n. O\n\n",
    ],
)
def test_files(tmp_path: Path, text: str) -> None:
    dataset = read(tmp_path, text)
    assert dataset.kind == "tags"
    assert [example.request for example in dataset.examples] == [{"text": "Ada Lovelace"}, {"text": "in Paris ."}]
    assert dataset.examples[1].expected == (("in", "O"), ("Paris", "B-LOC"), (".", "O"))


def test_plain_names_for_tags(tmp_path: Path) -> None:
    dataset = read(tmp_path, "She PRON\nsang VERB\n", ("PRON", "VERB"))
    assert dataset.examples[0].expected == (("She", "PRON"), ("sang", "VERB"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ada B-PER\nLovelace\nsang O\nin the O\n", "row 2 has 1 columns, and row 1 has 2: 'Lovelace'"),
        ("Ada B-PER\nLovelace\nsang O\nin the O\n", "row 4 has 3 columns"),
        ("Ada\tB-PER\n \tO\nsang\t\n", "row 2 has no word"),
        ("Ada\tB-PER\n \tO\nsang\t\n", "row 3 has no tag"),
        ("Ada\nsang\n", "row 1 has 1 columns"),
        ("-DOCSTART- -X- O O\n\n", "no sentence"),
        ("Ada b-per\nsang O\n", "unknown label 'b-per': 1 times"),
    ],
)
def test_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert "test.conll" in str(caught.value)
