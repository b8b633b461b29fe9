"""Writes the Unicode properties that the JVM does not have: `python -m tools.kotlin_jvm.unicode_ranges`.

The result is UnicodeRanges.kt of the Kotlin library, made from Python's `unicodedata`.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

TARGET = (
    Path(__file__).parents[2]
    / "runtime/android/albert-runtime/src/main/kotlin/albert/runtime/tokenization/UnicodeRanges.kt"
)
_WIDTH = 118


def source() -> str:
    """The content of UnicodeRanges.kt."""
    combining = _table("COMBINING", lambda one: unicodedata.combining(one) > 0)
    digits = _table("OTHER_DIGITS", lambda one: one.isdigit() and unicodedata.category(one) != "Nd")
    return f"""package albert.runtime.tokenization

// Written by tools/kotlin_jvm/unicode_ranges.py from Unicode {unicodedata.unidata_version}; don't edit it by hand.

/** The characters whose canonical combining class is not 0: the first and the last code point of each range. */
{combining}
/** The characters that are digits, such as "²", but no decimal ones. */
{digits}
private fun ranges(hexadecimal: String): IntArray =
    hexadecimal.trim().split(Regex("\\\\s+")).flatMap {{ range ->
        val ends = range.split('-').map {{ it.toInt(16) }}
        listOf(ends.first(), ends.last())
    }}.toIntArray()

/** Whether one of the sorted [ranges] holds [code]. */
private fun holds(ranges: IntArray, code: Int): Boolean {{
    val found = ranges.binarySearch(code)
    return found >= 0 || (-found - 1) % 2 == 1
}}

/** Whether the character has a canonical combining class, as most accents do. */
internal fun isCombining(code: Int): Boolean = code >= COMBINING[0] && holds(COMBINING, code)

/** Whether Python's `str.isdigit` is true for the character. */
internal fun isDigit(code: Int): Boolean =
    if (code < 0x80) code in 0x30..0x39 else Character.isDigit(code) || holds(OTHER_DIGITS, code)
"""


def _table(name: str, has_property: Callable[[str], bool]) -> str:
    lines = [""]
    for one in _ranges(has_property):
        if len(lines[-1]) + len(one) + 5 > _WIDTH:
            lines.append("")
        lines[-1] += f" {one}" if lines[-1] else one
    quoted = ' " +\n    "'.join(lines)
    return f'private val {name} = ranges(\n    "{quoted}",\n)\n'


def _ranges(has_property: Callable[[str], bool]) -> Iterator[str]:
    first = None
    for code in range(sys.maxunicode + 2):
        if code <= sys.maxunicode and has_property(chr(code)):
            first = code if first is None else first
        elif first is not None:
            yield f"{first:x}" if first == code - 1 else f"{first:x}-{code - 1:x}"
            first = None


if __name__ == "__main__":
    TARGET.write_text(source(), encoding="utf-8")
    print(f"wrote {TARGET}")
