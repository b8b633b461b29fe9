"""Answers as lines for people, and as JSON for programs.

There is one function for each kind of answer, which `tasks.TASKS` refers to: it takes what the session's call returned
and the keyword arguments of that call, and returns the lines to print.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from albert_runtime.answers import Answer, Choice, Embedding, Entity, Filled, Label, SentenceOrder

#: characters of the context that are shown on either side of an answer
_AROUND = 40
#: numbers of an embedding that are shown
_SHOWN_NUMBERS = 6
#: shown where a session returns an empty tuple, such as for a text without entities
_NOTHING = "nothing found"


def to_json(answer: Any) -> str:
    """One line of JSON: the answer's `to_dict()`, or a list of them. It is plain ASCII, which any pipe can carry."""
    return json.dumps(to_plain(answer))


def format_embedding(answer: Embedding, request: Mapping[str, Any]) -> str:
    """How many numbers the embedding has, and the first of them."""
    shown = " ".join(f"{number:.4f}" for number in answer.vector[:_SHOWN_NUMBERS])
    return f"{len(answer.vector)} numbers: {shown} ... ({len(answer.tokens)} tokens; --json gives all numbers)"


def format_order(answer: SentenceOrder, request: Mapping[str, Any]) -> str:
    """The order of the two texts, and below it the pieces for each mask in them."""
    return "\n".join([f"{answer.label}  {answer.score:.4f}", *_mask_lines(answer.filled)])


def format_masks(answer: Sequence[Sequence[Filled]], request: Mapping[str, Any]) -> str:
    """The pieces for each mask, best first, each with its score and the text that it makes."""
    return "\n".join(_mask_lines(answer)) or _NOTHING


def format_labels(answer: Sequence[Label], request: Mapping[str, Any]) -> str:
    """A line for each label, best first."""
    return _columns([(one.label, f"{one.score:.4f}") for one in answer]) or _NOTHING


def format_entities(answer: Sequence[Entity], request: Mapping[str, Any]) -> str:
    """A line for each entity, in the order of the text."""
    rows = [(one.label, one.text, f"{one.score:.4f}", f"{one.start}-{one.end}") for one in answer]
    return _columns(rows) or _NOTHING


def format_choices(answer: Choice, request: Mapping[str, Any]) -> str:
    """A line for each choice, with a star before the best one."""
    rows = [
        ("*" if index == answer.index else " ", f"{score:.4f}", choice)
        for index, (choice, score) in enumerate(zip(request["choices"], answer.scores, strict=True))
    ]
    return _columns(rows)


def format_answers(answer: Answer | Sequence[Answer], request: Mapping[str, Any]) -> str:
    """Two lines for each answer: its text, and where in the context it stands. The empty answer has no place."""
    answers = [answer] if isinstance(answer, Answer) else answer
    context = request["context"]
    contexts = [context] if isinstance(context, str) else context
    return "\n".join(_passage(one, contexts[one.context_index]) for one in answers)


def format_outputs(outputs: Mapping[str, Any], labels: Sequence[str]) -> str:
    """The outputs of a graph for one sequence of token ids: the shape of each, and its numbers or the first of them.

    A row of as many numbers as there are labels is shown with the labels' names, and many such rows with the best label
    of each.
    """
    lines = []
    for name, array in outputs.items():
        shape = " x ".join(map(str, array.shape))
        if labels and array.shape == (len(labels),):
            lines += [f"{name}:", _columns([(label, f"{one:.4f}") for label, one in zip(labels, array, strict=True)])]
        elif labels and array.ndim == 2 and array.shape[1] == len(labels):
            lines.append(f"{name}, {shape}, best labels: {' '.join(labels[index] for index in array.argmax(axis=1))}")
        else:
            numbers = array.reshape(-1)
            shown = " ".join(f"{number:.4f}" for number in numbers[:_SHOWN_NUMBERS])
            more = " ... (--json gives all numbers)" if len(numbers) > _SHOWN_NUMBERS else ""
            lines.append(f"{name}{f', {shape}' if shape else ''}: {shown}{more}")
    return "\n".join(lines)


def _passage(answer: Answer, context: str) -> str:
    if not answer.text:
        return f"no answer\n  score {answer.score:.4f}"
    before = context[max(0, answer.start - _AROUND) : answer.start]
    after = context[answer.end : answer.end + _AROUND]
    left = "..." if answer.start > _AROUND else ""
    right = "..." if answer.end + _AROUND < len(context) else ""
    place = _one_line(f"{left}{before}[{answer.text}]{after}{right}")
    return f"{_one_line(answer.text)}\n  score {answer.score:.4f}, characters {answer.start}-{answer.end}: {place}"


def _mask_lines(masks: Sequence[Sequence[Filled]]) -> list[str]:
    lines = []
    for number, pieces in enumerate(masks, start=1):
        if len(masks) > 1:
            lines.append(f"[MASK] {number}:")
        lines.append(_columns([(one.token, f"{one.score:.4f}", one.text) for one in pieces]))
    return lines


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """The rows as lines, with each column as wide as its widest cell."""
    cells = [[_one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def to_plain(answer: Any) -> Any:
    """An answer as JSON types: its `to_dict()`, or a list of them."""
    return [to_plain(one) for one in answer] if isinstance(answer, tuple) else answer.to_dict()
