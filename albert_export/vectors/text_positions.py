"""Positions in texts: Python counts characters (code points), Java and JavaScript count UTF-16 code units."""

from __future__ import annotations

from itertools import accumulate

from albert_runtime import Encoding


def utf16_positions(text: str) -> list[int]:
    """The position in UTF-16 code units of every character of `text`, and of its end."""
    return [0, *accumulate(1 + (character > "\uffff") for character in text)]


def utf16_spans(encoding: Encoding, text: str, pair: str | None = None) -> list[list[int]]:
    """The span of every token in UTF-16 code units of its own text, `text` or `pair`; [0, 0] for added tokens."""
    positions = (utf16_positions(text), utf16_positions(pair or ""))
    spans = zip(encoding.offsets, encoding.sequence_ids, strict=True)
    return [[positions[which or 0][start], positions[which or 0][end]] for (start, end), which in spans]
