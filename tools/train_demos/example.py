"""Example: one thing to learn, or to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Example:
    """What a session is given, and what it should answer."""

    #: keyword arguments of the runtime session's call
    inputs: dict[str, Any]
    #: the answer, in the form of `albert_export.demos.DemoExample.expected`
    expected: Any
    #: what the loss needs and the answer does not say, such as where in the context the answer stands
    target: Any = None
