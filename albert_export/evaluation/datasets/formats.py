"""The file format of each task, and a check that a file is not in the format of another task."""

from __future__ import annotations

import re
from pathlib import Path

from albert_export.utils.text_file import split_lines
from albert_runtime.errors import UsageError

_SQUAD = "a SQuAD JSON file, v1.1 or v2.0"
_TABLE = "a TSV table with a text, or two, and a label on each line, like GLUE's"
_CONLL = "a CoNLL file: a word and its tag on each line, blank lines between sentences"
_CHOICES = 'a JSONL file with "prompt", "choices" and "label" on each line'
_TEXT = "a plain text file, a sentence or passage on each line"

#: task -> its format, in words
FORMAT_OF_TASK = {
    "question-answering": _SQUAD,
    "text-classification": _TABLE,
    "token-classification": _CONLL,
    "multiple-choice": _CHOICES,
    "fill-mask": _TEXT,
    "pretraining": _TEXT,
}
#: how many characters and lines at the beginning of a file are looked at
_HEAD_CHARACTERS = 5000
_HEAD_LINES = 200
_TAG = re.compile(r"O|[BIELSU]-\S+")
_CHOICE_KEYS = re.compile(r'"(choices|endings)"\s*:\s*\[')


def refuse_other_format(file: Path, text: str, task: str) -> None:
    """Raise an error if the text of `file` is clearly in the format of another task.

    Raises:
        UsageError: the message says which format the file has, for which task that is, and which format is needed.
    """
    found = _format_of(text)
    if found is None or FORMAT_OF_TASK[task] == found:
        return
    tasks = " or ".join(name for name, format_ in FORMAT_OF_TASK.items() if format_ == found)
    raise UsageError(
        f"{file} looks like {found}, which is for {tasks}; the model is for {task}: give {FORMAT_OF_TASK[task]}"
    )


def _format_of(text: str) -> str | None:
    """Return the format that the beginning of `text` has, also for truncated files; None if it is not clear."""
    head = text.lstrip()[:_HEAD_CHARACTERS]
    if head.startswith(("{", "[")):
        if '"paragraphs"' in head or re.search(r'"data"\s*:\s*\[', head):
            return _SQUAD
        return _CHOICES if _CHOICE_KEYS.search(head) else None
    lines = [line for line in split_lines(text[: _HEAD_CHARACTERS * 4]) if line.strip()][:_HEAD_LINES]
    columns = [line.split() for line in lines if not line.startswith("-DOCSTART-")]
    if columns and all(len(cells) > 1 and _TAG.fullmatch(cells[-1]) for cells in columns[:-1] or columns):
        return _CONLL
    tabs = {line.count("\t") for line in lines[:-1] or lines}
    if len(tabs) == 1 and tabs != {0}:
        # a table of single words, such as CoNLL with other tags, has no column with spaces in it
        with_texts = sum(any(" " in cell.strip() for cell in line.split("\t")) for line in lines)
        return _TABLE if 2 * with_texts > len(lines) else None
    # lines of prose have many words, and the number of words differs from line to line
    widths = [len(line.split()) for line in lines]
    return _TEXT if tabs == {0} and len(set(widths)) > 1 and sum(widths) > 4 * len(widths) else None
