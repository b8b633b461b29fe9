"""Positions in texts: Python counts characters (code points), Java and JavaScript count UTF-16 code units."""

from __future__ import annotations

from itertools import accumulate


def utf16_positions(text: str) -> list[int]:
    """The position in UTF-16 code units of every character of `text`, and of its end."""
    return [0, *accumulate(1 + (character > "\uffff") for character in text)]
