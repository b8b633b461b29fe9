"""GLUE's tables and others, with and without header; errors name the rows and labels that can't be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from albert_export.evaluation import Dataset, read_dataset
from albert_runtime.errors import UnsupportedError, UsageError

SENTIMENT = ("negative", "positive")
NLI = ("entailment", "neutral", "contradiction")


def read(folder: Path, text: str, labels: tuple[str, ...] = SENTIMENT, problem_type: str | None = None) -> Dataset:
    file = folder / "dev.tsv"
    file.write_text(text, encoding="utf-8", newline="")
    return read_dataset(file, "cls", labels=labels, problem_type=problem_type)


def refused(folder: Path, text: str, **options: Any) -> str:
    with pytest.raises(UsageError) as caught:
        read(folder, text, **options)
    assert "dev.tsv" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "labels", "request_", "expected"),
    [
        ("sentence\tlabel\nA good one.\t1\n", SENTIMENT, {"text": "A good one."}, "positive"),  # SST-2
        ("A good one.\t1\nA bad one.\t0\n", SENTIMENT, {"text": "A good one."}, "positive"),
        ("Positive\tA good one.\nnegative\tNo.\n", SENTIMENT, {"text": "A good one."}, "positive"),
        (
            "index\tpromptID\tsentence1\tsentence2\tlabel1\tgold_label\n"
            "0\t1\tIt rains.\tIt is wet.\tneutral\tentailment\n",
            NLI,
            {"text": "It rains.", "text_pair": "It is wet."},
            "entailment",
        ),  # MNLI
        (
            "index\tquestion\tsentence\tlabel\n0\tWho sang?\tAda sang.\tentailment\n",
            NLI,
            {"text": "Who sang?", "text_pair": "Ada sang."},
            "entailment",
        ),  # QNLI
        ("premise\thypothesis\tlabel\nIt rains.\tIt is dry.\t2\n", NLI,
         {"text": "It rains.", "text_pair": "It is dry."}, "contradiction"),
        ("It rains.\tIt is dry.\t2\n", NLI, {"text": "It rains.", "text_pair": "It is dry."}, "contradiction"),
        ("gj04\t1\t\tShe sang a song.\ngj04\t0\t*\tSong a sang she.\n", ("unacceptable", "acceptable"),
         {"text": "She sang a song."}, "acceptable"),  # CoLA
        (
            "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tHe left.\tHe went.\n",
            ("other", "same"),
            {"text": "He left.", "text_pair": "He went."},
            "same",
        ),  # MRPC
        ("id\tquestion1\tquestion2\tis_duplicate\n1\tWho?\tWho is it?\t0\n", ("other", "same"),
         {"text": "Who?", "text_pair": "Who is it?"}, "other"),  # QQP
        ("label\ttext\r\nLABEL_1\tA good one.\r\n", ("LABEL_0", "LABEL_1"), {"text": "A good one."}, "LABEL_1"),
        ("text\tlabel\nFive stars\t5\nOne star\t1\n", ("1", "2", "3", "4", "5"), {"text": "Five stars"}, "5"),
        ('sentence\tlabel\n"quoted" \u2028text\t0\n', SENTIMENT, {"text": '"quoted" \u2028text'}, "negative"),
        ("\ufeffsentence\tlabel\nA good one.\tPOSITIVE\n", SENTIMENT, {"text": "A good one."}, "positive"),
    ],
)  # fmt: skip
def test_tables(tmp_path: Path, text: str, labels: tuple[str, ...], request_: dict[str, str], expected: str) -> None:
    dataset = read(tmp_path, text, labels)
    assert dataset.task == "text-classification"
    assert dataset.kind == "labels"
    assert dataset.examples[0].request == request_
    assert dataset.examples[0].expected == expected


def test_labels_that_differ_in_case_only(tmp_path: Path) -> None:
    dataset = read(tmp_path, "sentence\tlabel\nOne of them\tA\nThe other\ta\n", ("a", "A"))
    assert [example.expected for example in dataset.examples] == ["A", "a"]


@pytest.mark.parametrize(("labels", "problem_type"), [(("similarity",), None), (("LABEL_0",), "regression")])
def test_numbers(tmp_path: Path, labels: tuple[str, ...], problem_type: str | None) -> None:
    text = "index\tgenre\tsentence1\tsentence2\tscore\n0\tnews\tHe left.\tHe went.\t4.25\n1\tnews\tNo.\tYes.\t-1e-1\n"
    dataset = read(tmp_path, text, labels, problem_type)
    assert dataset.kind == "values"
    assert [example.expected for example in dataset.examples] == [4.25, -0.1]


def test_several_labels(tmp_path: Path) -> None:
    text = "text\tlabels\nFun and sad\tjoy, grief\nFun\tjoy\nA table\t\n"
    dataset = read(tmp_path, text, ("joy", "grief"), "multi_label_classification")
    assert dataset.kind == "several labels"
    assert [example.expected for example in dataset.examples] == [("joy", "grief"), ("joy",), ()]


def test_unknown_labels_are_all_listed(tmp_path: Path) -> None:
    message = refused(
        tmp_path, "sentence\tlabel\nIt was so good.\tgreat\nBad it was.\tnegative\nYes it was.\tgreat\nNo.\tpoor\n"
    )
    assert "unknown label 'great': 2 times" in message
    assert "unknown label 'poor': 1 times" in message
    assert "negative, positive" in message
    assert "id2label" in message


def test_numbers_that_are_no_labels(tmp_path: Path) -> None:
    message = refused(tmp_path, "sentence\tlabel\nIt was so good.\t1\nBad it was.\t2\n")
    assert "unknown label '2': 1 times" in message
    assert "'1'" not in message
    assert "Numbers from 0 to 1" in message


def test_all_rows_with_another_number_of_columns_are_named(tmp_path: Path) -> None:
    message = refused(tmp_path, "sentence\tlabel\nGood\t1\nBad\nA\ttab\t1\n\nFine\t1\n")
    assert "row 3 has 1 columns, and row 1 has 2" in message
    assert "row 4 has 3 columns" in message
    assert "row 6" not in message


def test_many_problems_are_cut_short(tmp_path: Path) -> None:
    message = refused(tmp_path, "sentence\tlabel\n" + "Bad\n" * 500)
    assert "and 480 more" in message
    assert len(message.splitlines()) == 23


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sentence\tlabel\n", "header and no row"),
        ("sentence\tlabel\n \t1\nGood\t1\n", "row 2 has a blank text"),
        ("sentence\tnote\nIt was good.\tyes\n", "none of them holds the labels"),
        ("review\tlabel\nIt was good.\t1\n", "none of them holds the texts"),
        ("a b\tc\td\te\tf\n", "5 columns and no header that is known"),
        ("good,1\n", "no tab in row 1"),
    ],
)
def test_not_a_table(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(tmp_path, text)


@pytest.mark.parametrize("cell", ["", "four", "nan", "inf", "1e999"])
def test_not_a_number(tmp_path: Path, cell: str) -> None:
    message = refused(tmp_path, f"sentence1\tsentence2\tscore\nHe left.\tHe went.\t{cell}\n", labels=("similarity",))
    assert f"{cell!r} is not a number" in message


def test_a_model_of_several_numbers(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="2 values"):
        read(tmp_path, "Text here\t1\n", SENTIMENT, "regression")
