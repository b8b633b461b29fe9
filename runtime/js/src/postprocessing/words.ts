/**
 * Words: where the words of a text begin and end, for labels that are given to words.
 *
 * The rules are those of the corpora that entity models are trained on (CoNLL 2003, WNUT 17, Universal Dependencies).
 */

import { WHITE_SPACE } from "../white-space";

/** What a word is, as far as its characters tell. */
export type Role = "word" | "punctuation" | "dash" | "possessive";

/** The characters from `start` to `end` of a text. */
export interface Word {
	start: number;
	end: number;
	role: Role;
}

/**
 * scripts that write no spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, Tai Le, New Tai Lue, Tai Tham,
 * Balinese, Javanese, Yi, Chinese characters (with 々, 〆 and 〇), hiragana, katakana and bopomofo
 */
const UNSPACED_CLASS =
	"[\\u0e00-\\u0fff\\u1000-\\u109f\\u1780-\\u17ff\\u1950-\\u19ff\\u1a20-\\u1aaf\\u1b00-\\u1b7f\\u3005-\\u3007" +
	"\\u3040-\\u312f\\u31a0-\\u31bf\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\ua000-\\ua4cf\\ua980-\\ua9ff" +
	"\\uaa60-\\uaa7f\\uf900-\\ufaff\\uff66-\\uff9f\\u{20000}-\\u{3ffff}]+";
const UNSPACED = new RegExp(`(${UNSPACED_CLASS})`, "u");
const ALL_UNSPACED = new RegExp(`^${UNSPACED_CLASS}$`, "u");
/** dashes; two hyphens in a row are one in plain text */
const DASHES = /([\u2012-\u2015\u2e3a\u2e3b]+|--+)/;
const ALL_DASHES = /^(?:[\u2012-\u2015\u2e3a\u2e3b]+|--+)$/;
const ALL_HYPHENS = /^[-\u2010\u2011]+$/;
const APOSTROPHES = "'\u2019\u02bc\uff07`\u00b4";
const POSSESSIVE = new RegExp(`^[${APOSTROPHES}][sS]$`);
const PUNCTUATION = /^\p{P}+$/u;
const ASCII_WORD = /^[0-9A-Za-z]+$/;
const CHUNK = new RegExp(`[^${WHITE_SPACE}]+`, "g");
/** abbreviations in names; the period after them is part of the word */
const ABBREVIATIONS: ReadonlySet<string> = new Set(
	(
		"ave blvd bros capt co col corp dept dr esq ft gen gov hon inc jr lt ltd messrs mr mrs ms mt mtn pres prof pt rep " +
		"rev sen sgt sr st ste univ"
	).split(" "),
);
/** letters with periods between them, such as U.S and Ph.D */
const INITIALS = /^(?:[\p{L}\p{Nl}\p{No}]{1,2}\.)+[\p{L}\p{Nl}\p{No}]{1,2}$/u;

/**
 * The words of `text`, in order; white space is in none of them.
 *
 * - Punctuation at either end of what stands between two spaces forms words of its own, one for each character: in
 *   "(Paris)," the word Paris has its own label, and the comma does not become part of the entity.
 * - The period of an abbreviation ("U.S.", "St.", "Jr.") is part of the word.
 * - A possessive 's is a word of its own, and so is a dash between two words.
 * - In a script without spaces nobody can tell words from spaces, so each token is a word.
 *
 * @param tokenStarts the place at which each token begins
 * @param wordStarts places at which a word begins although no white space stands before it, in order
 */
export function splitWords(text: string, tokenStarts: readonly number[], wordStarts: readonly number[]): Word[] {
	const cuts = [...new Set(tokenStarts)].sort((one, other) => one - other);
	const words: Word[] = [];
	for (const chunk of text.matchAll(CHUNK)) {
		const parts = bounds(wordStarts, chunk.index, chunk.index + chunk[0].length);
		for (const [start, end] of parts) words.push(...splitChunk(text, start, end, cuts));
	}
	return words;
}

/** The role of a word that is given by itself. */
export function roleOf(surface: string): Role {
	if (ALL_DASHES.test(surface) || ALL_HYPHENS.test(surface)) return "dash";
	if (POSSESSIVE.test(surface)) return "possessive";
	return PUNCTUATION.test(surface) ? "punctuation" : "word";
}

/** Whether `surface` is written in scripts without spaces between words. */
export function isUnspaced(surface: string): boolean {
	return ALL_UNSPACED.test(surface);
}

/** Whether a period after `core` belongs to it, wherever it stands in a sentence. */
export function isAbbreviation(core: string): boolean {
	return ABBREVIATIONS.has(core.toLowerCase()) || INITIALS.test(core);
}

/** The words between two spaces, first divided at dashes and where a script without spaces begins or ends. */
function* splitChunk(text: string, start: number, end: number, cuts: readonly number[]): Generator<Word> {
	const chunk = text.substring(start, end);
	if (ASCII_WORD.test(chunk)) {
		yield { start, end, role: "word" };
		return;
	}
	for (const part of chunk.split(DASHES)) {
		for (const segment of part.split(UNSPACED)) {
			const stop = start + segment.length;
			if (ALL_DASHES.test(segment)) yield { start, end: stop, role: "dash" };
			else if (ALL_UNSPACED.test(segment)) yield* splitAt(cuts, text, start, stop);
			else if (segment) yield* splitSpaced(text, start, stop, cuts);
			start = stop;
		}
	}
}

/** The words of a script with spaces: punctuation at both ends, the word between it, and its possessive. */
function* splitSpaced(text: string, start: number, end: number, cuts: readonly number[]): Generator<Word> {
	let stop = end;
	while (stop > start && PUNCTUATION.test(characterBefore(text, stop))) stop -= characterBefore(text, stop).length;
	const tail = Math.max(start, stop - 2);
	if (POSSESSIVE.test(text.substring(tail, stop))) {
		yield* splitSpaced(text, start, stop - 2, cuts);
		yield { start: stop - 2, end: stop, role: "possessive" };
	} else {
		let begin = start;
		while (begin < stop && PUNCTUATION.test(characterAt(text, begin))) begin += characterAt(text, begin).length;
		yield* splitAt(cuts, text, start, begin);
		if (begin < stop) {
			const core = text.substring(begin, stop);
			if (stop < end && text[stop] === "." && isAbbreviation(core)) stop++;
			yield { start: begin, end: stop, role: "word" };
			if (/[sS]$/.test(core) && stop < end && APOSTROPHES.includes(text.charAt(stop))) {
				yield { start: stop, end: stop + 1, role: "possessive" };
				stop++;
			}
		}
	}
	yield* splitAt(cuts, text, stop, end);
}

/** The characters from `start` to `end`, divided at every one of `cuts` between them. */
function* splitAt(cuts: readonly number[], text: string, start: number, end: number): Generator<Word> {
	if (start >= end) return;
	for (const [begin, stop] of bounds(cuts, start, end)) {
		yield { start: begin, end: stop, role: roleOf(text.substring(begin, stop)) };
	}
}

/** Neighbouring pairs of `start`, those of the sorted `cuts` that are between the two, and `end`. */
function bounds(cuts: readonly number[], start: number, end: number): [number, number][] {
	const pairs: [number, number][] = [];
	let begin = start;
	for (let place = bisectRight(cuts, start); place < cuts.length && (cuts[place] as number) < end; place++) {
		pairs.push([begin, cuts[place] as number]);
		begin = cuts[place] as number;
	}
	pairs.push([begin, end]);
	return pairs;
}

/** The number of the sorted `values` that are not above `limit`. */
export function bisectRight(values: ArrayLike<number>, limit: number): number {
	let [low, high] = [0, values.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((values[middle] as number) > limit) high = middle;
		else low = middle + 1;
	}
	return low;
}

function characterAt(text: string, place: number): string {
	return String.fromCodePoint(text.codePointAt(place) as number);
}

function characterBefore(text: string, place: number): string {
	const pair = place >= 2 ? text.codePointAt(place - 2) : undefined;
	return pair !== undefined && pair > 0xffff ? text.substring(place - 2, place) : text.charAt(place - 1);
}
