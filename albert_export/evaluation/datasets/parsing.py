"""Parsing of JSON in files of labelled examples, and errors that list the problems of a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from albert_runtime.errors import UsageError, listed

#: the most problems that a message lists, since a file of another format has a problem on each line
_SHOWN = 20


def parse_json(text: str) -> Any:
    """Return the value of the JSON in `text`.

    Raises:
        UsageError: it is not JSON; the message says at which byte, and what is wrong there.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = len(text[: error.pos].encode())
        cut = "it ends in the middle: " if not text[error.pos :].strip() or "Unterminated" in error.msg else ""
        reason = error.msg.removesuffix(" at")  # as in "Unterminated string starting at"
        raise UsageError(f"{cut}{reason} at byte {place:,} of {len(text.encode()):,}") from error
    except RecursionError as error:
        raise UsageError("not JSON that can be used: brackets are nested too deep") from error
    except ValueError as error:  # Python converts at most 4,300 digits to an integer
        raise UsageError("not JSON that can be used: a number has too many digits") from error


def kind_of(value: Any) -> str:
    """Return the name of the type of a JSON value, for messages."""
    return "null" if value is None else type(value).__name__


def refuse(headline: str, problems: Sequence[str], advice: str = "") -> None:
    """Raise a UsageError that lists the first of `problems`, followed by `advice`; do nothing if there are none."""
    if not problems:
        return
    shown = list(problems[:_SHOWN])
    if len(problems) > _SHOWN:
        shown.append(f"and {len(problems) - _SHOWN:,} more")
    raise UsageError(listed(headline, shown) + (f"\n{advice}" if advice else ""))
