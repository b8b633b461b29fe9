"""Names for new values of a graph."""

from __future__ import annotations

from collections.abc import Iterable


class FreshNames:
    """Gives out names that no value of a graph has yet, each once.

    Args:
        taken: the names that the graph uses already.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def __contains__(self, name: object) -> bool:
        return name in self._taken

    def fresh(self, base: str) -> str:
        """Return `base`, or `base` with the first number that makes it new; the name is taken from now on."""
        name, count = base, 0
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name
