"""Faults in how a graph file holds its weights, of whichever format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from albert_converters.doctor.diagnosis import Finding, megabytes


class Copies(NamedTuple):
    """A weight that stands in a file several times."""

    #: of the first one
    name: str
    copies: int
    bytes_each: int

    @property
    def wasted(self) -> int:
        return self.bytes_each * (self.copies - 1)


def held_twice(found: Sequence[Copies], file_bytes: int) -> Iterator[Finding]:
    """The finding about weights that a file of `file_bytes` holds more than once, if there are any."""
    if not found:
        return
    wasted = sum(one.wasted for one in found)
    yield Finding(
        "duplicated-weights",
        fault=True,
        what=f"{sum(one.copies - 1 for one in found)} weights are copies of {len(found)} others",
        costs=f"{megabytes(wasted)} of {megabytes(file_bytes)}, on disk and in memory",
        remedy="--fix keeps each of them once",
        where=tuple(
            f"{one.name}: {one.copies} copies of {megabytes(one.bytes_each)}"
            for one in sorted(found, key=lambda one: -one.wasted)
        ),
        wasted_bytes=wasted,
        mendable=True,
    )
