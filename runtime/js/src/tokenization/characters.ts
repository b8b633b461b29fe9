/** Characters as Python sees them, each by its code point. */

import { isCombining } from "./unicode-ranges";

/** One of Unicode's normalization forms. */
export type NormalizationForm = "NFC" | "NFD" | "NFKC" | "NFKD";

/** Stands for what can't be encoded, such as a lone surrogate. */
export const REPLACEMENT = 0xfffd;

const CAPITAL_SIGMA = 0x3a3;
const SMALL_SIGMA = 0x3c3;
const FINAL_SIGMA = 0x3c2;
const NOTHING = new Int32Array(0);

/** So many arguments, or fewer, are given to a function at once. */
const MOST_ARGUMENTS = 4096;

// A character's properties are found by regular expressions once, and kept as bits.
const KNOWN = 1;
const LETTER = 2;
const MARK = 4;
const NON_SPACING_MARK = 8;
const OTHER = 16;
const SPACE_SEPARATOR = 32;
const PUNCTUATION = 64;
const NUMBER = 128;
const CASED = 256;
const CASE_IGNORABLE = 512;

const PROPERTIES: readonly (readonly [number, RegExp])[] = [
	[LETTER, /\p{L}/u],
	[MARK, /\p{M}/u],
	[NON_SPACING_MARK, /\p{Mn}/u],
	[OTHER, /\p{C}/u],
	[SPACE_SEPARATOR, /\p{Zs}/u],
	[PUNCTUATION, /\p{P}/u],
	[NUMBER, /\p{N}/u],
	[CASED, /\p{Cased}/u],
	[CASE_IGNORABLE, /\p{Case_Ignorable}/u],
];

/** A page holds this many characters that follow each other. */
const PAGE = 256;
const pages: (Uint16Array | undefined)[] = new Array(0x110000 / PAGE).fill(undefined);

function properties(code: number): number {
	let page = pages[code >> 8];
	if (page === undefined) {
		page = new Uint16Array(PAGE);
		pages[code >> 8] = page;
	}
	const known = page[code & 0xff] as number;
	if (known !== 0) return known;
	const character = String.fromCodePoint(code);
	let found = KNOWN;
	for (const [bit, pattern] of PROPERTIES) if (pattern.test(character)) found |= bit;
	page[code & 0xff] = found;
	return found;
}

type Change = (code: number) => Int32Array | null;

/** `change`, which is asked once only for each character. */
function remembered(change: Change): Change {
	const known: ((Int32Array | null | undefined)[] | undefined)[] = new Array(0x110000 / PAGE).fill(undefined);
	return (code) => {
		let page = known[code >> 8];
		if (page === undefined) {
			page = new Array<Int32Array | null | undefined>(PAGE).fill(undefined);
			known[code >> 8] = page;
		}
		let found = page[code & 0xff];
		if (found === undefined) {
			found = change(code);
			page[code & 0xff] = found;
		}
		return found;
	};
}

/** The code points of `text`. */
export function codePoints(text: string): Int32Array {
	const units = text.length;
	const found = new Int32Array(units);
	let size = 0;
	for (let place = 0; place < units; place++) {
		const code = text.codePointAt(place) as number;
		if (code > 0xffff) place++;
		found[size++] = code;
	}
	return size === units ? found : found.slice(0, size);
}

/** The text of code points. */
export function textOf(codes: Int32Array, start = 0, end: number = codes.length): string {
	let text = "";
	for (let first = start; first < end; first += MOST_ARGUMENTS) {
		const last = Math.min(first + MOST_ARGUMENTS, end);
		const part = (first === 0 && last === codes.length ? codes : codes.subarray(first, last)) as unknown as number[];
		let inPlane0 = true;
		for (let place = first; place < last && inPlane0; place++) inPlane0 = (codes[place] as number) < 0x10000;
		text += inPlane0 ? String.fromCharCode.apply(null, part) : String.fromCodePoint.apply(null, part);
	}
	return text;
}

/** Whether the character is of white space, as Python's `str.isspace` says. */
export function isSpace(code: number): boolean {
	if (code <= 0x20) return code === 0x20 || (code >= 0x1c && code <= 0x1f) || (code >= 9 && code <= 13);
	if (code < 0x80) return false;
	if (code < 0x1680) return code === 0x85 || code === 0xa0;
	if (code > 0x3000) return false;
	return (
		code === 0x1680 ||
		(code >= 0x2000 && code <= 0x200a) ||
		code === 0x2028 ||
		code === 0x2029 ||
		code === 0x202f ||
		code === 0x205f ||
		code === 0x3000
	);
}

/** Whether the category is one of the letters (L). */
export function isLetter(code: number): boolean {
	return (properties(code) & LETTER) !== 0;
}

/** Whether the category is one of the marks (M). */
export function isMark(code: number): boolean {
	return (properties(code) & MARK) !== 0;
}

/** Whether the category is that of the nonspacing marks (Mn). */
export function isNonSpacingMark(code: number): boolean {
	return (properties(code) & NON_SPACING_MARK) !== 0;
}

/** Whether the category is one of "other" (C): control, format, surrogate, private use, or not assigned. */
export function isOther(code: number): boolean {
	return (properties(code) & OTHER) !== 0;
}

/** Whether the category is that of the spaces (Zs). */
export function isSpaceSeparator(code: number): boolean {
	return (properties(code) & SPACE_SEPARATOR) !== 0;
}

/** Whether the category is one of the punctuation (P). */
export function isPunctuationMark(code: number): boolean {
	return (properties(code) & PUNCTUATION) !== 0;
}

/** Whether `\w` of Python's regular expressions matches the character. */
export function isWordCharacter(code: number): boolean {
	return code === 0x5f || (properties(code) & (LETTER | NUMBER)) !== 0;
}

const lowerCaseOf = remembered((code) => {
	const character = String.fromCodePoint(code);
	const lower = character.toLowerCase();
	return lower === character ? null : codePoints(lower);
});

/** What one character by itself is in lower case; null if it stays as it is. */
export function lowerCase(code: number): Int32Array | null {
	if (code < 0x80 && (code < 0x41 || code > 0x5a)) return null;
	return lowerCaseOf(code);
}

/** The sigma that the capital at `place` becomes, which depends on the letters around it, as in Python's `str.lower`. */
export function lowerSigma(codes: Int32Array, place: number): number {
	let before = place - 1;
	while (before >= 0 && isCaseIgnorable(codes[before] as number)) before--;
	if (before < 0 || !isCased(codes[before] as number)) return SMALL_SIGMA;
	let after = place + 1;
	while (after < codes.length && isCaseIgnorable(codes[after] as number)) after++;
	return after === codes.length || !isCased(codes[after] as number) ? FINAL_SIGMA : SMALL_SIGMA;
}

/** Whether the character is the capital sigma. */
export function isCapitalSigma(code: number): boolean {
	return code === CAPITAL_SIGMA;
}

function isCased(code: number): boolean {
	return (properties(code) & CASED) !== 0;
}

function isCaseIgnorable(code: number): boolean {
	return (properties(code) & CASE_IGNORABLE) !== 0;
}

const normalizedTo = {
	NFC: remembered((code) => normalizedOnce(code, "NFC")),
	NFD: remembered((code) => normalizedOnce(code, "NFD")),
	NFKC: remembered((code) => normalizedOnce(code, "NFKC")),
	NFKD: remembered((code) => normalizedOnce(code, "NFKD")),
};

function normalizedOnce(code: number, form: NormalizationForm): Int32Array | null {
	const character = String.fromCodePoint(code);
	const text = character.normalize(form);
	return text === character ? null : codePoints(text);
}

/** One character in a normalization form, as code points; null if it stays as it is. */
export function normalized(code: number, form: NormalizationForm): Int32Array | null {
	return normalizedTo[form](code);
}

const withoutAccentsOf = remembered((code) => {
	if (isCombining(code)) return NOTHING;
	return normalizedOnce(code, "NFKD")?.filter((one) => !isCombining(one)) ?? null;
});

/** The compatibility decomposition (NFKD) of one character without its combining marks; null if it stays as it is. */
export function withoutAccents(code: number): Int32Array | null {
	return code < 0x80 ? null : withoutAccentsOf(code);
}

const withoutMarksOf = remembered((code) => {
	const parts = normalizedOnce(code, "NFD");
	if (parts === null) return isNonSpacingMark(code) ? NOTHING : null;
	return parts.filter((one) => !isNonSpacingMark(one));
});

/** The canonical decomposition (NFD) of one character without its nonspacing marks; null if it stays as it is. */
export function withoutMarks(code: number): Int32Array | null {
	return code < 0x80 ? null : withoutMarksOf(code);
}
