/** White space as Python's `str.isspace` sees it: with the four information separators and U+0085, without U+FEFF. */

/** The inside of a character class of regular expressions. */
export const WHITE_SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const LEADING = new RegExp(`^[${WHITE_SPACE}]+`);
const TRAILING = new RegExp(`[${WHITE_SPACE}]$`);

/** `text` without the white space at its beginning. */
export function leftStrip(text: string): string {
	return text.replace(LEADING, "");
}

/** `text` without the white space at its end. */
export function rightStrip(text: string): string {
	let end = text.length;
	// A regular expression for the whole run would look for its end from every place where white space begins.
	while (end > 0 && TRAILING.test(text.charAt(end - 1))) end--;
	return text.slice(0, end);
}

/** `text` without the white space at both ends. */
export function strip(text: string): string {
	return rightStrip(leftStrip(text));
}
