"""Answers as lines for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from albert_runtime.answers import Answer, Choice, Embedding, Entity, Filled, Label, SentenceOrder

#: characters of the context shown on either side of an answer
_AROUND = 40
#: numbers of an embedding that are shown
_SHOWN_NUMBERS = 6


def to_json(answer: Any) -> str:
    """One line of JSON: the answer's `to_dict()`, or a list of such. Plain ASCII, so it survives any pipe."""
    return json.dumps(_plain(answer))


def describe(answer: Any, request: Mapping[str, Any]) -> str:
    """The answer of any session, as lines.

    Args:
        answer: what the session's call returned.
        request: the keyword arguments of that call.
    """
    if isinstance(answer, Answer):
        return _passage(answer, request["context"])
    if isinstance(answer, Choice):
        return _choices(answer, request["choices"])
    if isinstance(answer, SentenceOrder):
        return "\n".join([f"{answer.label}  {answer.score:.4f}", *_masks(answer.filled)])
    if isinstance(answer, Embedding):
        return _embedding(answer)
    if not answer:
        return "nothing found"
    if isinstance(answer[0], Answer):
        return "\n".join(_passage(one, request["context"]) for one in answer)
    if isinstance(answer[0], Label):
        return _columns([(one.label, f"{one.score:.4f}") for one in answer])
    if isinstance(answer[0], Entity):
        return _columns([(one.label, one.text, f"{one.score:.4f}", f"{one.start}-{one.end}") for one in answer])
    return "\n".join(_masks(answer))


def _passage(answer: Answer, context: str) -> str:
    before = context[max(0, answer.start - _AROUND) : answer.start]
    after = context[answer.end : answer.end + _AROUND]
    left = "..." if answer.start > _AROUND else ""
    right = "..." if answer.end + _AROUND < len(context) else ""
    place = _one_line(f"{left}{before}[{answer.text}]{after}{right}")
    return f"{_one_line(answer.text)}\n  score {answer.score:.4f}, characters {answer.start}-{answer.end}: {place}"


def _choices(answer: Choice, choices: Sequence[str]) -> str:
    rows = [
        ("*" if index == answer.index else " ", f"{score:.4f}", choice)
        for index, (choice, score) in enumerate(zip(choices, answer.scores, strict=True))
    ]
    return _columns(rows)


def _masks(masks: Sequence[Sequence[Filled]]) -> list[str]:
    lines = []
    for number, ways in enumerate(masks, start=1):
        if len(masks) > 1:
            lines.append(f"[MASK] {number}:")
        lines.append(_columns([(one.token, f"{one.score:.4f}", one.text) for one in ways]))
    return lines


def _embedding(answer: Embedding) -> str:
    shown = " ".join(f"{number:.4f}" for number in answer.vector[:_SHOWN_NUMBERS])
    return f"{len(answer.vector)} numbers: {shown} ... ({len(answer.tokens)} tokens; --json gives all numbers)"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """The rows with each column as wide as its widest cell."""
    cells = [[_one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(answer: Any) -> Any:
    return [_plain(one) for one in answer] if isinstance(answer, tuple) else answer.to_dict()
