"""Where the tests find real data that the repository does not hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_FOLDER = Path(os.environ.get("ALBERT_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def shared_data(name: str) -> Path:
    """The file or folder `name` of the test data; skips the test where it is absent."""
    path = _FOLDER / name
    if not path.exists():
        pytest.skip(f"test data {name} is absent (looked in {_FOLDER}; set ALBERT_TEST_DATA to its folder)")
    return path
