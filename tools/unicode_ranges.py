"""Writes the Unicode properties that the JVM and JavaScript do not have: `python -m tools.unicode_ranges`.

The results are UnicodeRanges.kt of the Kotlin library and unicode-ranges.ts of the npm package, made from Python's
`unicodedata`.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

_RUNTIME = Path(__file__).parents[1] / "runtime"
KOTLIN = _RUNTIME / "android/albert-runtime/src/main/kotlin/albert/runtime/tokenization/UnicodeRanges.kt"
TYPESCRIPT = _RUNTIME / "js/src/tokenization/unicode-ranges.ts"
_WIDTH = 118


def kotlin() -> str:
    """The content of UnicodeRanges.kt."""

    def table(name: str, ranges: list[str]) -> str:
        quoted = ' " +\n    "'.join(_lines(ranges, _WIDTH - 4))
        return f'private val {name} = ranges(\n    "{quoted}",\n)\n'

    combining, digits = table("COMBINING", _combining()), table("OTHER_DIGITS", _other_digits())
    return f"""package albert.runtime.tokenization

// Written by tools/unicode_ranges.py from Unicode {unicodedata.unidata_version}; don't edit it by hand.

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


def typescript() -> str:
    """The content of unicode-ranges.ts."""

    def table(name: str, ranges: list[str]) -> str:
        content = "\n".join(_lines(ranges, _WIDTH))
        return f"const {name} = ranges(`\n{content}\n`);\n"

    combining, digits = table("COMBINING", _combining()), table("OTHER_DIGITS", _other_digits())
    return f"""/** Properties of characters that JavaScript does not have. */

// Written by tools/unicode_ranges.py from Unicode {unicodedata.unidata_version}; don't edit it by hand.

/** The characters whose canonical combining class is not 0: the first and the last code point of each range. */
{combining}
/** The characters that are digits, such as "²", but no decimal ones. */
{digits}
const DECIMAL_DIGIT = /\\p{{Nd}}/u;
const FIRST_COMBINING = 0x300;

/** The first code point of each range, and the one behind its last. */
function ranges(hexadecimal: string): Int32Array {{
	const found: number[] = [];
	for (const range of hexadecimal.trim().split(/\\s+/)) {{
		const [first = "", last = first] = range.split("-");
		found.push(Number.parseInt(first, 16), Number.parseInt(last, 16) + 1);
	}}
	return Int32Array.from(found);
}}

/** Whether one of the sorted `bounds` of ranges holds `code`. */
function holds(bounds: Int32Array, code: number): boolean {{
	let low = 0;
	let high = bounds.length;
	while (low < high) {{
		const middle = (low + high) >> 1;
		if ((bounds[middle] as number) <= code) low = middle + 1;
		else high = middle;
	}}
	return low % 2 === 1;
}}

/** Whether the character has a canonical combining class, as most accents do. */
export function isCombining(code: number): boolean {{
	return code >= FIRST_COMBINING && holds(COMBINING, code);
}}

/** Whether Python's `str.isdigit` is true for the character. */
export function isDigit(code: number): boolean {{
	if (code < 0x80) return code >= 0x30 && code <= 0x39;
	return DECIMAL_DIGIT.test(String.fromCodePoint(code)) || holds(OTHER_DIGITS, code);
}}
"""


def _combining() -> list[str]:
    return list(_ranges(lambda one: unicodedata.combining(one) > 0))


def _other_digits() -> list[str]:
    return list(_ranges(lambda one: one.isdigit() and unicodedata.category(one) != "Nd"))


def _ranges(has_property: Callable[[str], bool]) -> Iterator[str]:
    """The first and the last code point of each range of characters with the property, in hexadecimal."""
    first = None
    for code in range(sys.maxunicode + 2):
        if code <= sys.maxunicode and has_property(chr(code)):
            first = code if first is None else first
        elif first is not None:
            yield f"{first:x}" if first == code - 1 else f"{first:x}-{code - 1:x}"
            first = None


def _lines(ranges: list[str], width: int) -> list[str]:
    """The ranges with spaces between them, in lines of at most `width` characters."""
    lines = [""]
    for one in ranges:
        if len(lines[-1]) + len(one) + 1 > width:
            lines.append("")
        lines[-1] += f" {one}" if lines[-1] else one
    return lines


if __name__ == "__main__":
    for target, content in ((KOTLIN, kotlin()), (TYPESCRIPT, typescript())):
        target.write_text(content, encoding="utf-8")
        print(f"wrote {target}")
