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
    """The sentences of a CoNLL file: the word in its first column, the tag in its last.

    Columns are parted by tabs if there is one in the file, else by white space. Tags are the model's labels. The text
    of a sentence is its words with spaces between.

    Raises:
        UsageError: lines have other columns, a word is blank, tags are unknown to the model; the message lists them.
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
    """(word, tag) of each sentence, and what is wrong with lines."""
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
