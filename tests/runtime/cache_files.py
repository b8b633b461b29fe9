"""What tests of the cache look at."""

from __future__ import annotations

from pathlib import Path


def entries(cache: Path) -> list[Path]:
    """The files of the cache; nothing else may be in it."""
    found = sorted(cache.iterdir())
    assert all(one.name.endswith(".cached") for one in found)
    return found
