"""Matching of the labels in a file with the labels of the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from albert_export.evaluation.datasets.example import Kind
from albert_runtime.postprocessing.classification import MULTI_LABEL, REGRESSION, SINGLE_LABEL, resolve_problem_type


def label_kind(labels: Sequence[str], problem_type: str | None) -> Kind:
    """What a text classifier with these labels and this "problem_type" in its configuration answers."""
    kinds = {MULTI_LABEL: "several labels", REGRESSION: "values", SINGLE_LABEL: "labels"}
    return kinds[resolve_problem_type(problem_type, len(labels))]


def match_labels(values: Iterable[str], labels: Sequence[str]) -> tuple[dict[str, str], Counter[str]]:
    """Match the values in a file with the labels of the model.

    Values may be names of labels, in upper or lower case if that is unambiguous. Or all of them may be numbers, which
    count the labels from 0.

    Returns:
        The label for each distinct value; and how often each value occurs that matches no label.
    """
    counts = Counter(values)
    names = {label: label for label in labels}
    folded = Counter(label.casefold() for label in labels)
    names |= {label.casefold(): label for label in labels if folded[label.casefold()] == 1}
    named = {value: names[key] for value in counts for key in (value, value.casefold()) if key in names}
    if len(named) == len(counts):
        return {value: names.get(value, label) for value, label in named.items()}, Counter()
    numbers = {value: int(value) for value in counts if value.isascii() and value.isdigit() and len(value) < 9}
    if len(numbers) == len(counts):
        numbered = {value: labels[index] for value, index in numbers.items() if index < len(labels)}
        return numbered, Counter({value: counts[value] for value in counts if value not in numbered})
    return named, Counter({value: count for value, count in counts.items() if value not in named})


def unknown_label_problems(unknown: Counter[str]) -> list[str]:
    """Return a line about each label that the model does not have, the most frequent first."""
    return [f"unknown label {value!r:.60}: {count:,} times" for value, count in unknown.most_common()]


def labels_advice(labels: Sequence[str]) -> str:
    """Return advice that lists the model's labels and says what to do if only the names differ."""
    return (
        f"The model's labels are: {', '.join(labels)}. If only the names differ, give the model the names of the file: "
        'change "id2label" in the config.json of the checkpoint, and export it again.'
    )
