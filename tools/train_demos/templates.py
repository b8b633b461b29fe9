"""Templates: sentences with slots like {person}, and functions that fill them in."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SLOT = re.compile(r"\{(\w+)\}")


def slots_of(template: str) -> set[str]:
    """The names of the slots; those of `"{person} lives in {town}."` are person and town."""
    return set(_SLOT.findall(template))


def fill(template: str, values: Mapping[str, str]) -> tuple[str, dict[str, tuple[int, int]]]:
    """The filled sentence, and for each slot the characters (start, end) of its value.

    "a" becomes "an" before a vowel, and the first letter becomes a capital.
    """
    text = ""
    spans = {}
    end = 0
    for match in _SLOT.finditer(template):
        text += template[end : match.start()]
        value = values[match[1]]
        if re.search(r"\b[Aa] $", text) and value[0].lower() in "aeiou":
            text = text[:-1] + "n "
        spans[match[1]] = (len(text), len(text) + len(value))
        text += value
        end = match.end()
    text += template[end:]
    return text[0].upper() + text[1:], spans
