"""What a user probably meant by a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Collection

#: how similar a name must be, from 0 to 1: a letter too many, too few, wrong or swapped in a short word
_SIMILAR = 0.6


def did_you_mean(given: str, known: Collection[str]) -> str:
    """A question for the end of a message that names `given`, such as `; did you mean "int8"?`; empty if none is close.

    Args:
        given: a name that is not in `known`.
        known: the names that exist, with their aliases.
    """
    close = difflib.get_close_matches(given.strip().lower(), known, n=1, cutoff=_SIMILAR)
    return f'; did you mean "{close[0]}"?' if close else ""
