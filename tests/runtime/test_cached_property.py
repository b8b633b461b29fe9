"""An attribute that is computed once, without a lock that a forked process could wait for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import albert_runtime
from albert_runtime.cached_property import cached_property


@dataclass(frozen=True)
class Square:
    side: int

    @cached_property
    def area(self) -> list[int]:
        """The area."""
        return [self.side**2]


def test_it_is_computed_once_for_each_instance() -> None:
    square = Square(3)
    assert square.area == [9]
    assert square.area is square.area
    assert Square(4).area == [16]
    assert Square.area.__doc__ == "The area."


def test_the_runtime_uses_no_other() -> None:
    package = Path(albert_runtime.__file__).parent
    found = [
        str(file) for file in package.rglob("*.py") if "functools import cached_property" in file.read_text("utf-8")
    ]
    assert found == []
