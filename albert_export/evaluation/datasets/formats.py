"""The file format of each task, and a check that a file is not in the format of another task."""

from __future__ import annotations

import re
from pathlib import Path

from albert_export.tasks import CHOICES_JSONL, CONLL, LABELLED_TSV, PLAIN_TEXT, SQUAD_JSON, TASK_SPECS
from albert_export.utils.text_file import split_lines
from albert_runtime.errors import UsageError

#: how many characters and lines at the beginning of a file are looked at
_HEAD_CHARACTERS = 5000
_HEAD_LINES = 200
_TAG = re.compile(r"O|[BIELSU]-\S+")
_CHOICE_KEYS = re.compile(r'"(choices|endings)"\s*:\s*\[')


def file_format(task: str) -> str | None:
    """The file format of the task's labelled examples, in words; None for a task without labelled examples."""
    data = TASK_SPECS[task].labelled_data
    return None if data is None else data.file_format


def refuse_other_format(file: Path, text: str, task: str) -> None:
    """Raise an error if the text of `file` is clearly in the format of another task.

    Raises:
        UsageError: the message says which format the file has, for which task that is, and which format is needed.
    """
    found = _format_of(text)
    needed = file_format(task)
    if found is None or needed == found:
        return
    tasks = " or ".join(name for name in TASK_SPECS if file_format(name) == found)
    raise UsageError(f"{file} looks like {found}, which is for {tasks}; the model is for {task}: give {needed}")


def _format_of(text: str) -> str | None:
    """Return the format that the beginning of `text` has, also for truncated files; None if it is not clear."""
    head = text.lstrip()[:_HEAD_CHARACTERS]
    if head.startswith(("{", "[")):
        if '"paragraphs"' in head or re.search(r'"data"\s*:\s*\[', head):
            return SQUAD_JSON
        return CHOICES_JSONL if _CHOICE_KEYS.search(head) else None
    lines = [line for line in split_lines(text[: _HEAD_CHARACTERS * 4]) if line.strip()][:_HEAD_LINES]
    columns = [line.split() for line in lines if not line.startswith("-DOCSTART-")]
    if columns and all(len(cells) > 1 and _TAG.fullmatch(cells[-1]) for cells in columns[:-1] or columns):
        return CONLL
    tabs = {line.count("\t") for line in lines[:-1] or lines}
    if len(tabs) == 1 and tabs != {0}:
        # a table of single words, such as CoNLL with other tags, has no column with spaces in it
        with_texts = sum(any(" " in cell.strip() for cell in line.split("\t")) for line in lines)
        return LABELLED_TSV if 2 * with_texts > len(lines) else None
    # lines of prose have many words, and the number of words differs from line to line
    widths = [len(line.split()) for line in lines]
    return PLAIN_TEXT if tabs == {0} and len(set(widths)) > 1 and sum(widths) > 4 * len(widths) else None
