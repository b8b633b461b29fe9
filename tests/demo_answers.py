"""Checks whether a session answers a demo example right. This needs only numpy and the runtime."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_right(session: Any, inputs: dict[str, Any], expected: Any) -> bool:
    """Whether the session's answer to `inputs` is the `expected` one; both are from the demo's examples.json."""
    if session.task == "question-answering":
        # The expected answer has no punctuation, which words that are separated by white space may end with.
        return bool(session(**inputs, align_to_words=False).text == expected)
    answer = session(**inputs)
    if session.task == "feature-extraction":
        near, far = (session(expected[name]).vector for name in ("closer", "farther"))
        return _cosine(answer.vector, near) > _cosine(answer.vector, far)
    if session.task == "token-classification":
        return [[entity.text, entity.label] for entity in answer] == expected
    simple = {
        "pretraining": lambda: answer.in_order,
        "fill-mask": lambda: answer[0][0].token.removeprefix("▁"),
        "text-classification": lambda: answer[0].label,
        "multiple-choice": lambda: answer.index,
    }
    return bool(simple[session.task]() == expected)


def _cosine(left: np.ndarray, right: np.ndarray) -> float:
    return float(left @ right / np.linalg.norm(left) / np.linalg.norm(right))
