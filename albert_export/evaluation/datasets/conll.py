"""CoNLL files: a word and its tag on each line, blank lines between sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from albert_export.evaluation.datasets.example import Dataset, Example
from albert_export.evaluation.datasets.labels import labels_advice, unknown_label_problems
from albert_export.evaluation.datasets.parsing import refuse
from albert_export.utils.text_file import split_lines
from albert_runtime.errors import UsageError

_DOCUMENT = "-DOCSTART-"


def read_conll(file: Path, text: str, labels: Sequence[str]) -> Dataset:
    """Read the sentences of a CoNLL file, which has the word in its first column and the tag in its last.

    Columns are separated by tabs if the file has any, or else by white space. Tags must be labels of the model. The
    text of a sentence is its words joined by spaces.

    Raises:
        UsageError: some lines have another number of columns or a blank word, or some tags are not labels of the
            model; the message lists them.
    """
    sentences, problems = _sentences(text)
    if not problems and not sentences:
        raise UsageError(f"{file} holds no sentence; give a word and its tag on each line")
    refuse(f"{file} is not a usable CoNLL file:", problems, "Give a word and its tag on each line.")
    tags = Counter(tag for sentence in sentences for _, tag in sentence)
    unknown = Counter({tag: count for tag, count in tags.items() if tag not in labels})
    refuse(f"{file} does not fit the model:", unknown_label_problems(unknown), labels_advice(labels))
    examples = [Example({"text": " ".join(word for word, _ in sentence)}, sentence) for sentence in sentences]
    return Dataset(file, "token-classification", "tags", tuple(examples))


def _sentences(text: str) -> tuple[list[tuple[tuple[str, str], ...]], list[str]]:
    """Return the (word, tag) pairs of each sentence, and a list of the lines that can't be read."""
    separator = "\t" if "\t" in text else None
    sentences: list[list[tuple[str, str]]] = [[]]
    problems = []
    width, first = 0, 0
    for number, line in enumerate(split_lines(text), 1):
        if not line.strip() or line.startswith(_DOCUMENT):
            sentences.append([])
            continue
        cells = [cell.strip() for cell in line.split(separator)]
        if not width:
            width, first = max(len(cells), 2), number
        if len(cells) != width:
            problems.append(f"row {number} has {len(cells)} columns, and row {first} has {width}: {line!r:.60}")
        elif not cells[0] or not cells[-1]:
            problems.append(f"row {number} has no {'tag' if cells[0] else 'word'}: {line!r:.60}")
        else:
            sentences[-1].append((cells[0], cells[-1]))
    return [tuple(sentence) for sentence in sentences if sentence], problems
