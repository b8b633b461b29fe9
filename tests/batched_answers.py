"""Compares the answers of a session to a batch with its answers to the same requests one at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from albert_export.samples.requests import sample_requests
from albert_runtime import AlbertSession
from albert_runtime.printing import to_plain


def largest_difference(session: AlbertSession, requests: Iterable[dict[str, Any]] | None = None) -> float:
    """The largest difference between two numbers of corresponding answers; infinite if anything else differs."""
    requests = list(requests or sample_requests(session.bundle.task, 12))
    alone = [session(**request) for request in requests]
    return max(
        _difference(to_plain(left), to_plain(right)) for left, right in zip(alone, session.map(requests), strict=True)
    )


def _difference(left: Any, right: Any) -> float:
    if isinstance(left, float):
        return abs(left - right)
    if isinstance(left, dict):
        left, right = list(left.values()), list(right.values())
    if isinstance(left, list):
        if len(left) != len(right):
            return np.inf
        return max(map(_difference, left, right), default=0.0)
    return 0.0 if left == right else np.inf
