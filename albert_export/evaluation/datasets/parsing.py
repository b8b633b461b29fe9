"""The text of a file of labelled examples: its lines, its JSON, and how what is wrong with them is said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from albert_runtime.errors import UsageError, listed

#: problems of one kind that a message names; a file of another format has one on each line
_SHOWN = 20


def parse_json(text: str) -> Any:
    """The value that `text` holds.

    Raises:
        UsageError: it is not JSON; the message says at which byte, and what is wrong there.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = len(text[: error.pos].encode())
        cut = "it ends in the middle: " if not text[error.pos :].strip() or "Unterminated" in error.msg else ""
        said = error.msg.removesuffix(" at")  # "Unterminated string starting at"
        raise UsageError(f"{cut}{said} at byte {place:,} of {len(text.encode()):,}") from error
    except RecursionError as error:
        raise UsageError("not JSON that can be used: brackets are nested too deep") from error
    except ValueError as error:  # Python reads 4,300 digits
        raise UsageError("not JSON that can be used: a number has too many digits") from error


def kind_of(value: Any) -> str:
    """What a value of JSON is called in messages."""
    return "null" if value is None else type(value).__name__


def refuse(headline: str, problems: Sequence[str], advice: str = "") -> None:
    """Raises a UsageError that lists `problems`, the first of them if they are many; does nothing without any."""
    if not problems:
        return
    shown = list(problems[:_SHOWN])
    if len(problems) > _SHOWN:
        shown.append(f"and {len(problems) - _SHOWN:,} more")
    raise UsageError(listed(headline, shown) + (f"\n{advice}" if advice else ""))
