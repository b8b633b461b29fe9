"""Writes the Unicode properties that JavaScript does not have: `python -m tools.unicode_ranges_js`.

The result is unicode-ranges.ts of the npm package, made from Python's `unicodedata`.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

TARGET = Path(__file__).parents[1] / "runtime/js/src/tokenization/unicode-ranges.ts"
_WIDTH = 118


def source() -> str:
    """The content of unicode-ranges.ts."""
    combining = _table("COMBINING", lambda one: unicodedata.combining(one) > 0)
    digits = _table("OTHER_DIGITS", lambda one: one.isdigit() and unicodedata.category(one) != "Nd")
    return f"""/** Properties of characters that JavaScript does not have. */

// Written by tools/unicode_ranges_js.py from Unicode {unicodedata.unidata_version}; don't edit it by hand.

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


def _table(name: str, has_property: Callable[[str], bool]) -> str:
    lines = [""]
    for one in _ranges(has_property):
        if len(lines[-1]) + len(one) + 1 > _WIDTH:
            lines.append("")
        lines[-1] += f" {one}" if lines[-1] else one
    content = "\n".join(lines)
    return f"const {name} = ranges(`\n{content}\n`);\n"


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
