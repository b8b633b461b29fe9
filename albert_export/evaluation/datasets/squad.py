"""SQuAD files, v1.1 and v2.0 (rajpurkar.github.io/SQuAD-explorer), and others of their form such as XQuAD."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from albert_export.evaluation.datasets.example import Dataset, Example
from albert_export.evaluation.datasets.parsing import kind_of, parse_json, refuse

_logger = logging.getLogger("albert_export")


class _Asked(NamedTuple):
    """One question as it stands in the file."""

    #: where, for messages
    place: str
    context: str
    question: dict[str, Any]


def read_squad(file: Path, text: str) -> Dataset:
    """The questions of a SQuAD file. It is v2.0 if its "version" says so or a question has "is_impossible".

    Raises:
        UsageError: it is not JSON, or not of SQuAD's form; the message lists where.
    """
    record = parse_json(text)
    problems: list[str] = []
    asked = list(_questions(record, problems))
    version = str(record.get("version", "")) if isinstance(record, dict) else ""
    second = version.lower().removeprefix("v").startswith("2") or any("is_impossible" in one.question for one in asked)
    examples = [example for one in asked if (example := _example(one, second, problems)) is not None]
    for name, count in Counter(example.name for example in examples).items():
        if count > 1:
            problems.append(f"{count} questions have the id {name!r:.60}")
    if not problems and not examples:
        problems.append("it holds no question")
    refuse(f"{file} is not a usable SQuAD file:", problems)
    _tell_misplaced(file, asked)
    return Dataset(file, "question-answering", "SQuAD v2.0" if second else "SQuAD v1.1", tuple(examples))


def _questions(record: Any, problems: list[str]) -> Iterator[_Asked]:
    if not isinstance(record, dict):
        problems.append(f'it holds a JSON {kind_of(record)}, not an object with "data"')
        return
    for article, in_data in _items(record, "data", "", problems):
        for paragraph, in_article in _items(article, "paragraphs", in_data, problems):
            context = paragraph.get("context")
            if not isinstance(context, str):
                problems.append(f'{in_article} has no text "context"')
                continue
            for question, place in _items(paragraph, "qas", in_article, problems):
                yield _Asked(place, context, question)


def _items(holder: dict[str, Any], key: str, place: str, problems: list[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects in the list `key` of `holder`, each with its place in the file."""
    values = holder.get(key)
    if not isinstance(values, list):
        problems.append(f'{place or "the file"} has no list "{key}"')
        return
    for index, value in enumerate(values):
        where = f"{place}{'.' if place else ''}{key}[{index}]"
        if isinstance(value, dict):
            yield value, where
        else:
            problems.append(f"{where} is no object")


def _example(one: _Asked, second: bool, problems: list[str]) -> Example | None:
    wrong = []
    name, question, answers = (one.question.get(key) for key in ("id", "question", "answers"))
    if not isinstance(name, (str, int)) or isinstance(name, bool):
        wrong.append('has no "id"')
    if not isinstance(question, str):
        wrong.append('has no text "question"')
    if not isinstance(answers, list) or not all(
        isinstance(answer, dict) and isinstance(answer.get("text"), str) for answer in answers
    ):
        wrong.append('has no list "answers" of objects with "text"')
    elif not answers and not second:
        wrong.append("has no answer, which only v2.0 files may have")
    if wrong:
        problems.append(f"{one.place} {', '.join(wrong)}")
        return None
    texts = tuple(answer["text"] for answer in answers or ())
    return Example({"question": question, "context": one.context}, texts, str(name))


def _tell_misplaced(file: Path, asked: list[_Asked]) -> None:
    """Where an answer stands does not count, its text does; but a wrong place betrays a damaged file."""
    misplaced = 0
    for one in asked:
        for answer in one.question["answers"]:
            start, text = answer.get("answer_start"), answer["text"]
            if start is not None and not (isinstance(start, int) and one.context[max(start, 0) :].startswith(text)):
                misplaced += 1
    if misplaced:
        _logger.warning(
            '%s: %d answers do not stand in their context at "answer_start"; they are scored by their text',
            file,
            misplaced,
        )
