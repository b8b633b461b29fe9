"""TSV tables as in GLUE: each line has a text or a pair of texts, and its label, separated by tabs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from albert_export.evaluation.datasets.example import Dataset, Example, Kind
from albert_export.evaluation.datasets.labels import label_kind, labels_advice, match_labels, unknown_label_problems
from albert_export.evaluation.datasets.parsing import refuse
from albert_export.utils.text_file import split_lines
from albert_runtime.errors import UnsupportedError, UsageError

#: known names of text columns, in lower case: those of GLUE's files, and a few that users often choose
_TEXTS = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("#1 string", "#2 string"),
    ("text", "text_pair"),
    ("text1", "text2"),
    ("sentence",),
    ("text",),
)
#: known names of label columns, in lower case
_LABELS = ("gold_label", "label", "labels", "score", "is_duplicate", "quality")


class _Columns(NamedTuple):
    """The indices of the columns that hold the texts and the label."""

    texts: tuple[int, ...]
    label: int


def read_table(file: Path, text: str, labels: Sequence[str], problem_type: str | None) -> Dataset:
    """Read the rows of a table for a text classifier with these labels and this "problem_type" in its configuration.

    The first row is a header if it has known names. Without a header, the label is in the last column, or else in the
    first one, and the texts are in the others; a table of four columns is in the format of CoLA, with the label in the
    second. Quotes in cells have no special meaning. If a text has several labels, they are in one cell, separated by
    commas.

    Raises:
        UsageError: some rows have another number of columns or a blank text, or some labels are unknown to the model;
            the message lists them.
        UnsupportedError: the model computes several values for a text.
    """
    kind = label_kind(labels, problem_type)
    if kind == "values" and len(labels) > 1:
        raise UnsupportedError(f"the model computes {len(labels)} values for a text, and only one can be evaluated")
    rows = [(number, line.split("\t")) for number, line in enumerate(split_lines(text), 1) if line.strip()]
    width = len(rows[0][1])
    if width < 2:
        raise UsageError(
            f"{file} has no tab in row {rows[0][0]}, so it has no column for a label; "
            "give one or two texts and a label on each line, separated by tabs"
        )
    headed = _header(file, rows[0][1])
    body = rows[1:] if headed else rows
    if not body:
        raise UsageError(f"{file} has a header and no row below it; give a labelled text on each line")
    problems = [
        f"row {number} has {len(cells)} columns, and row {rows[0][0]} has {width}"
        for number, cells in body
        if len(cells) != width
    ]
    refuse(f"{file} is not a table of {width} columns:", problems, "A text must not hold tabs or line ends.")
    columns = headed or _guessed_columns(file, [cells for _, cells in body], kind, labels)

    for number, cells in body:
        problems += [f"row {number} has a blank text" for column in columns.texts if not cells[column].strip()]
    given = [cells[columns.label] for _, cells in body]
    expected, unusable = _expected(given, kind, labels)
    advice = ""
    if unusable and kind != "values":
        advice = f"{labels_advice(labels)} Numbers from 0 to {len(labels) - 1} are accepted as well."
    refuse(f"{file} does not fit the model:", [*problems, *unusable], advice)
    requests = [dict(zip(("text", "text_pair"), (cells[i] for i in columns.texts), strict=False)) for _, cells in body]
    return Dataset(file, "text-classification", kind, tuple(map(Example, requests, expected)))


def _header(file: Path, first: list[str]) -> _Columns | None:
    """Return the columns that the row `first` names; None if it is no header.

    Raises:
        UsageError: the row names text columns but no label column, or a label column but no text columns.
    """
    names = [cell.strip().lower() for cell in first]
    texts = next((known for known in _TEXTS if all(name in names for name in known)), None)
    label = next((name for name in _LABELS if name in names), None)
    if texts and label:
        return _Columns(tuple(map(names.index, texts)), names.index(label))
    if texts is None and label is None:
        return None
    missing = "texts" if label else "labels"
    known = ", ".join(_LABELS) if texts else ", ".join(" + ".join(pair) for pair in _TEXTS)
    raise UsageError(
        f"{file} has the columns {', '.join(names)}, and none of them holds the {missing}; known names are: {known}"
    )


def _guessed_columns(file: Path, rows: list[list[str]], kind: Kind, labels: Sequence[str]) -> _Columns:
    width = len(rows[0])
    texts_of = {width - 1: tuple(range(width - 1)), 0: tuple(range(1, width))}
    if width == 4:
        texts_of = {1: (3,)}  # CoLA: source, label, the author's mark, sentence
    elif width > 4:
        raise UsageError(
            f"{file} has {width} columns and no header that is known; name the columns in the first row, for example "
            "sentence and label, or sentence1, sentence2 and label"
        )
    values = {column: [row[column] for row in rows] for column in texts_of}
    fitting = [column for column in texts_of if not _expected(values[column], kind, labels)[1]]
    label = fitting[0] if fitting else min(values, key=lambda column: len(set(values[column])))
    return _Columns(texts_of[label], label)


def _expected(cells: list[str], kind: Kind, labels: Sequence[str]) -> tuple[list[Any], list[str]]:
    """Return the expected answer for each cell of the label column, and a list of the cells that can't be used."""
    if kind == "values":
        values = [_number(cell) for cell in cells]
        unusable = [cell for cell, value in zip(cells, values, strict=True) if value is None]
        return values, [f"{cell!r:.60} is not a number, and the model's answers are numbers" for cell in unusable]
    parts = [
        [part.strip() for part in cell.split(",")] if kind == "several labels" else [cell.strip()] for cell in cells
    ]
    if kind == "several labels":
        parts = [[part for part in row if part] for row in parts]
    matched, unknown = match_labels((part for row in parts for part in row), labels)
    if unknown:
        return [], unknown_label_problems(unknown)
    names = [tuple(matched[part] for part in row) for row in parts]
    return [row[0] for row in names] if kind == "labels" else list(names), []


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
