"""replaced_attribute: another value of an attribute, for the length of a block."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def replaced_attribute(owner: Any, attribute: str, value: Any) -> Iterator[None]:
    """Give an attribute of `owner` another value within the block, and its own again afterwards."""
    before = getattr(owner, attribute)
    setattr(owner, attribute, value)
    try:
        yield
    finally:
        setattr(owner, attribute, before)
