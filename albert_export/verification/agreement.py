"""Whether two sessions decide the same, and whether a difference is only a near tie."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from albert_export.evaluation.decisions import Decision

#: the largest margin, as probability, of a near tie: the original is undecided there, as it is on many texts that it
#: was not trained for, so that either answer may come out in any precision
NEAR_TIE = 0.05
#: embeddings agree from this cosine on, because they then find the same neighbours
SAME_DIRECTION = 0.99
#: numbers agree if they differ by less than this share of the range of the original's numbers
SAME_NUMBER = 0.05


def agree(expected: Decision, got: Decision) -> bool:
    """Whether two sessions decided the same.

    Embeddings agree if they point in nearly the same direction, and numbers if they differ by at most the tolerance.
    """
    if not isinstance(expected.answer, np.ndarray):
        return bool(expected.answer == got.answer)
    if expected.answer.ndim == 1:
        return bool(np.abs(expected.answer - got.answer).max() <= expected.tolerance)
    return bool((expected.answer * got.answer).sum(axis=-1).min() >= SAME_DIRECTION)


def near_tie(expected: Decision, got: Decision, limit: float) -> bool:
    """Whether `got` differs only in parts that `expected` decides by a margin of at most `limit`."""
    if len(expected.parts) != len(got.parts):
        return False
    margins = _margins_of_different_parts(expected, got)
    return bool(margins) and max(margins) <= limit


def differences(expected: Decision, got: Decision, limit: float) -> tuple[int, int, int]:
    """Count the differences between two decisions.

    Returns:
        The number of answers in `expected`; how many of them `got` decides differently; and how many of those are near
        ties, which `expected` decides by a margin of at most `limit`.
    """
    if expected.parts_are_answers and len(expected.parts) == len(got.parts):
        margins = _margins_of_different_parts(expected, got)
        return len(expected.parts), len(margins), sum(margin <= limit for margin in margins)
    if agree(expected, got):
        return 1, 0, 0
    return 1, 1, int(near_tie(expected, got, limit))


def with_number_tolerance(decisions: Sequence[Decision]) -> list[Decision]:
    """The original's decisions on many requests; numbers get a tolerance that depends on the range of all of them."""
    numbers = [one.answer for one in decisions if isinstance(one.answer, np.ndarray) and one.answer.ndim == 1]
    if not numbers:
        return list(decisions)
    spread = float(np.ptp(numbers, axis=0).max()) or float(np.abs(numbers).max())
    return [dataclasses.replace(one, tolerance=SAME_NUMBER * spread) for one in decisions]


def _margins_of_different_parts(expected: Decision, got: Decision) -> list[float]:
    """The margins by which `expected` decides the parts that `got` decides differently."""
    return [margin for (part, margin), (other, _) in zip(expected.parts, got.parts, strict=True) if part != other]
