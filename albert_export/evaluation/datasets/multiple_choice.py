"""JSONL files for multiple choice: each line has a prompt, its choices and the index of the right one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from albert_export.evaluation.datasets.example import Dataset, Example
from albert_export.evaluation.datasets.parsing import kind_of, parse_json, refuse
from albert_export.utils.text_file import split_lines
from albert_runtime.errors import UsageError

#: accepted names of each field: our own name first, then the name in HellaSwag
_PROMPT, _CHOICES, _LABEL = ("prompt", "ctx"), ("choices", "endings"), ("label",)


def read_choices(file: Path, text: str) -> Dataset:
    """Read a JSONL file with `{"prompt": TEXT, "choices": [TEXT, TEXT, ...], "label": 0}` on each line.

    The names in HellaSwag, "ctx" and "endings", are accepted too. A label may be a number in quotes.

    Raises:
        UsageError: some lines are not JSON, or lack a field; the message lists them.
    """
    problems, examples = [], []
    for number, line in enumerate(split_lines(text), 1):
        if not line.strip():
            continue
        try:
            examples.append(_example(parse_json(line)))
        except UsageError as error:
            problems.append(f"line {number}: {error}")
    refuse(
        f"{file} is not a usable multiple-choice file:",
        problems,
        'Give an object on each line: {"prompt": "It rained.", "choices": ["She got wet.", "She sang."], "label": 0}',
    )
    return Dataset(file, "multiple-choice", "choices", tuple(examples))


def _example(record: Any) -> Example:
    """Return the example in the JSON of one line. The caller collects the UsageErrors of all lines."""
    if not isinstance(record, dict):
        raise UsageError(f"a JSON {kind_of(record)}, not an object")
    prompt, choices, label = (_field(record, names) for names in (_PROMPT, _CHOICES, _LABEL))
    wrong = []
    if not _is_text(prompt):
        wrong.append(f'no text "{_PROMPT[0]}"')
    if not isinstance(choices, list) or len(choices) < 2 or not all(map(_is_text, choices)):
        wrong.append(f'no list "{_CHOICES[0]}" of two texts or more')
    if isinstance(label, str) and label.isascii() and label.isdigit() and len(label) < 9:
        label = int(label)
    if not isinstance(label, int) or isinstance(label, bool):
        wrong.append(f'no whole number "{_LABEL[0]}"')
    elif isinstance(choices, list) and not 0 <= label < len(choices):
        wrong.append(f'"{_LABEL[0]}" is {label}, and there are {len(choices)} choices, counted from 0')
    if wrong:
        raise UsageError(", ".join(wrong))
    return Example({"prompt": prompt, "choices": choices}, label)


def _field(record: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((record[name] for name in names if name in record), None)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
