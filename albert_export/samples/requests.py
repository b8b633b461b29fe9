"""Texts as requests to a session of any task: what the gate asks both the original and the quantized graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from albert_export.quantization.calibration import Text
from albert_runtime.tasks import Task

_MASK = "[MASK]"
#: choices of a multiple-choice request
_CHOICES = 4


def requests_from(texts: Sequence[Text], task: Task) -> list[dict[str, Any]]:
    """One request a text, as the keyword arguments of the session's call.

    Pairs are a question and its context, a prompt and its first choice, two neighbouring texts, or what the task
    makes of two texts. Where a task needs more than is there, it is taken from the text and from those that follow.
    """
    return [_request(texts, index, task.name) for index in range(len(texts))]


def _request(texts: Sequence[Text], index: int, task: str) -> dict[str, Any]:
    first, second = texts[index]
    if task == "question-answering":
        subject = " ".join(first.split()[:3])
        question = first if second else f"What is said of {subject}?"
        return {"question": question, "context": second or first}
    if task == "multiple-choice":
        following = [texts[(index + offset) % len(texts)][0] for offset in range(1, _CHOICES + 1)]
        return {"prompt": first, "choices": [*([second] if second else []), *following][:_CHOICES]}
    if task == "pretraining":
        return {"first": _masked(first), "second": second or texts[(index + 1) % len(texts)][0]}
    if task == "fill-mask":
        return {"text": _masked(first)}
    if task == "text-classification":
        return {"text": first, "text_pair": second}
    return {"text": first if second is None else f"{first} {second}"}


def _masked(text: str) -> str:
    """`text` with a mask for the word in its middle, unless it has one."""
    if _MASK in text:
        return text
    words = text.split()
    words[len(words) // 2] = _MASK
    return " ".join(words)
