"""SQuAD files, v1.1 and v2.0 (rajpurkar.github.io/SQuAD-explorer), and others in this format such as XQuAD."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from albert_export.evaluation.datasets.example import Dataset, Example
from albert_export.evaluation.datasets.parsing import kind_of, parse_json, refuse

_logger = logging.getLogger("albert_export")


class _Question(NamedTuple):
    """One question of the file, before it is checked."""

    #: where it is in the file, for messages
    place: str
    context: str
    #: the JSON object with "id", "question" and "answers"
    record: dict[str, Any]


def read_squad(file: Path, text: str) -> Dataset:
    """Read the questions of a SQuAD file. It is v2.0 if its "version" says so or a question has "is_impossible".

    Raises:
        UsageError: it is not JSON, or not in the format of SQuAD; the message lists the places.
    """
    record = parse_json(text)
    problems: list[str] = []
    questions = list(_questions(record, problems))
    version = str(record.get("version", "")) if isinstance(record, dict) else ""
    is_v2 = version.lower().removeprefix("v").startswith("2") or any("is_impossible" in one.record for one in questions)
    examples = [example for one in questions if (example := _example(one, is_v2, problems)) is not None]
    for name, count in Counter(example.name for example in examples).items():
        if count > 1:
            problems.append(f"{count} questions have the id {name!r:.60}")
    if not problems and not examples:
        problems.append("it has no question")
    refuse(f"{file} is not a usable SQuAD file:", problems)
    _warn_of_misplaced_answers(file, questions)
    return Dataset(file, "question-answering", "SQuAD v2.0" if is_v2 else "SQuAD v1.1", tuple(examples))


def _questions(record: Any, problems: list[str]) -> Iterator[_Question]:
    if not isinstance(record, dict):
        problems.append(f'it is a JSON {kind_of(record)}, not an object with "data"')
        return
    for article, in_data in _items(record, "data", "", problems):
        for paragraph, in_article in _items(article, "paragraphs", in_data, problems):
            context = paragraph.get("context")
            if not isinstance(context, str):
                problems.append(f'{in_article} has no text "context"')
                continue
            for question, place in _items(paragraph, "qas", in_article, problems):
                yield _Question(place, context, question)


def _items(holder: dict[str, Any], key: str, place: str, problems: list[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the objects in the list `key` of `holder`, each with its place in the file."""
    values = holder.get(key)
    if not isinstance(values, list):
        problems.append(f'{place or "the file"} has no list "{key}"')
        return
    for index, value in enumerate(values):
        where = f"{place}{'.' if place else ''}{key}[{index}]"
        if isinstance(value, dict):
            yield value, where
        else:
            problems.append(f"{where} is not an object")


def _example(one: _Question, is_v2: bool, problems: list[str]) -> Example | None:
    wrong = []
    name, question, answers = (one.record.get(key) for key in ("id", "question", "answers"))
    if not isinstance(name, (str, int)) or isinstance(name, bool):
        wrong.append('has no "id"')
    if not isinstance(question, str):
        wrong.append('has no text "question"')
    if not isinstance(answers, list) or not all(
        isinstance(answer, dict) and isinstance(answer.get("text"), str) for answer in answers
    ):
        wrong.append('has no list "answers" of objects with "text"')
    elif not answers and not is_v2:
        wrong.append("has no answer, which is allowed in v2.0 files only")
    if wrong:
        problems.append(f"{one.place} {', '.join(wrong)}")
        return None
    texts = tuple(answer["text"] for answer in answers or ())
    return Example({"question": question, "context": one.context}, texts, str(name))


def _warn_of_misplaced_answers(file: Path, questions: list[_Question]) -> None:
    """Log a warning if answers are not at their "answer_start".

    The metrics use the text of an answer only, but a wrong position is a sign that the file is damaged.
    """
    misplaced = 0
    for one in questions:
        for answer in one.record["answers"]:
            start, text = answer.get("answer_start"), answer["text"]
            if start is not None and not (isinstance(start, int) and one.context[max(start, 0) :].startswith(text)):
                misplaced += 1
    if misplaced:
        _logger.warning(
            '%s: %d answers are not in their context at "answer_start"; they are scored by their text',
            file,
            misplaced,
        )
