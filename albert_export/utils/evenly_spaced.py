"""evenly_spaced: a part of a list that stands for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def evenly_spaced(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of the items, in their order; all of them, if there are no more."""
    count = min(len(items), most)
    return [items[index * len(items) // count] for index in range(count)]
