"""Real sentences, and requests for each task made of them, to verify bundles with."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from albert_runtime.tasks import Task


@cache
def sentences() -> tuple[str, ...]:
    """The sentences of samples.txt."""
    return bundled_lines("samples.txt")


def bundled_lines(file: str) -> tuple[str, ...]:
    """The lines of a text file of this package, without its comments."""
    lines = files("albert_export.samples").joinpath(file).read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("# "))


def sample_requests(task: Task, count: int = 6, *, short: bool = False) -> list[dict[str, Any]]:
    """`count` requests for a session of `task`, as the keyword arguments of its call.

    `short` ones have a sentence of context and two choices, for tests that run whenever a bundle is loaded.
    """
    return [_request(task.name, index, short) for index in range(count)]


def _request(task: str, index: int, short: bool) -> dict[str, Any]:
    lines = sentences()

    def line(offset: int) -> str:
        return lines[(index * 3 + offset) % len(lines)]

    if task == "question-answering":
        subject = " ".join(line(0).split()[:3])
        return {"question": f"What is said of {subject}?", "context": " ".join(map(line, range(1 if short else 4)))}
    if task == "multiple-choice":
        return {"prompt": line(0), "choices": [line(1 + offset) for offset in range(2 if short else 2 + index % 6)]}
    if task == "pretraining":
        return {"first": line(0), "second": line(1)}
    if task == "fill-mask":
        words = line(0).split()
        words[len(words) // 2] = "[MASK]"
        return {"text": " ".join(words)}
    return {"text": line(0)}
