/** How sequences are cut to a length, and padded to one. The twin of `truncation.py` and `arguments.py`. */

import { UsageError } from "../errors";
import { repr } from "../repr";
import type { EncodeOptions } from "./encode-options";

/** Positions from the first number until the second, which is exclusive. */
type Range = readonly [number, number];

/** The tokens in one sequence: positions of the first text, and of the second text. */
export interface Window {
	first: Range;
	second: Range;
}

const STRATEGIES = ["longest_first", "only_first", "only_second"];

/**
 * A truncation strategy of Hugging Face's tokenizers, which cuts on the right.
 *
 * With `overflow`, the tokens that do not fit go into further windows of the text that is cut. Each window begins `stride`
 * tokens before the end of the previous one, until the last token is in a window.
 */
export class Truncation {
	/** Throws a UsageError if `stride` is no number of tokens. */
	constructor(
		readonly strategy: string,
		readonly stride = 0,
		readonly overflow = false,
	) {
		if (!Number.isInteger(stride) || stride < 0) {
			throw new UsageError(`stride=${stride} is not a number of tokens; it must be 0 or more`);
		}
	}

	/**
	 * The windows of a text or of a pair of texts, each with at most `room` tokens.
	 *
	 * @param first the number of tokens in the first text
	 * @param second the number of tokens in the second text; undefined if there is none
	 * @param room the most tokens that both may have together; undefined for no limit
	 * @throws UsageError the strategy can't make the texts short enough
	 */
	windows(first: number, second: number | undefined, room: number | undefined): Window[] {
		if (room === undefined || first + (second ?? 0) <= room) return [{ first: [0, first], second: [0, second ?? 0] }];
		if (second === undefined) return this.slide(first, room).map((range) => ({ first: range, second: [0, 0] }));
		if (this.strategy === "longest_first") return [cutLongest(first, second, first + second - room)];
		if (this.strategy === "only_first") {
			checkRoom("first", first, "second", second, room);
			return this.slide(first, room - second).map((range) => ({ first: range, second: [0, second] }));
		}
		checkRoom("second", second, "first", first, room);
		return this.slide(second, room - first).map((range) => ({ first: [0, first], second: range }));
	}

	/** The windows of `size` tokens over `length` tokens; without `overflow`, only the first one. */
	private slide(length: number, size: number): Range[] {
		if (!this.overflow) return [[0, size]];
		if (this.stride >= size) {
			throw new UsageError(
				`stride=${this.stride} does not move a window that has room for ${size} tokens of the text; ` +
					`choose a stride below ${size}, or a larger max_length`,
			);
		}
		const ranges: Range[] = [];
		for (let start = 0; start < length - this.stride; start += size - this.stride) {
			ranges.push([start, Math.min(start + size, length)]);
		}
		return ranges;
	}
}

function checkRoom(cut: string, length: number, kept: string, keptLength: number, room: number): void {
	if (keptLength < room) return;
	throw new UsageError(
		`the ${kept} text alone has ${keptLength} tokens and there is room for ${room}, so that cutting the ${cut} one ` +
			`(${length} tokens) can't help; shorten the ${kept} text, raise max_length, or use 'longest_first'`,
	);
}

/**
 * Cut the longer text to the length of the other one, then both equally. If the number of tokens to cut from both is odd,
 * the second text loses one more.
 */
function cutLongest(first: number, second: number, excess: number): Window {
	const toEqual = Math.min(Math.abs(first - second), excess);
	const half = Math.floor((excess - toEqual) / 2);
	const rest = excess - toEqual - half;
	if (first > second) return { first: [0, first - toEqual - half], second: [0, second - rest] };
	return { first: [0, first - half], second: [0, second - toEqual - rest] };
}

/** The strategy that `options` ask for; undefined for no truncation. */
export function truncationStrategy(options: EncodeOptions, hasPair: boolean): string | undefined {
	const { truncation: strategy, returnOverflowingTokens = false } = options;
	if (strategy === undefined) return undefined;
	if (!STRATEGIES.includes(strategy)) {
		throw new UsageError(`truncation=${repr(strategy)} is unknown; choose undefined, ${STRATEGIES.map(repr).join(", ")}`);
	}
	if (strategy === "only_second" && !hasPair) throw new UsageError("truncation='only_second' needs a text_pair");
	if (strategy === "longest_first" && hasPair && returnOverflowingTokens) {
		throw new UsageError(
			"return_overflowing_tokens needs one text of the pair to stay whole; choose truncation='only_second' " +
				"(or 'only_first')",
		);
	}
	return strategy;
}

/**
 * The length that sequences are padded to; undefined for no padding.
 *
 * @param limit the most tokens in a sequence; undefined for no limit
 * @param longest the number of tokens in the longest sequence
 */
export function paddedLength(options: EncodeOptions, limit: number | undefined, longest: number): number | undefined {
	const { padding, padToMultipleOf: multiple } = options;
	if (multiple !== undefined && multiple < 1) throw new UsageError(`pad_to_multiple_of=${multiple} must be 1 or more`);
	if (padding === undefined) return undefined;
	if (padding !== "longest" && padding !== "max_length") {
		throw new UsageError(`padding=${repr(padding)} is unknown; choose undefined, 'longest', 'max_length'`);
	}
	const length = padding === "longest" ? longest : limit;
	if (length === undefined) {
		throw new UsageError("padding='max_length' needs max_length, as this tokenizer sets no limit of its own");
	}
	return multiple === undefined ? length : Math.ceil(length / multiple) * multiple;
}

/** a text with more characters for each token of the limit is not tokenized as a whole */
const CHARACTERS_PER_TOKEN = 64;

/**
 * The beginning of a very long text, up to a space, that has at least as many tokens; other texts are unchanged. No piece of
 * a vocabulary reaches over a space, so the tokens of the beginning are the first ones of the whole text.
 */
export function beginningOf(text: string, tokens: number): string {
	const most = CHARACTERS_PER_TOKEN * tokens;
	// A text has at least half as many characters as UTF-16 code units.
	if (text.length <= most || (text.length <= 2 * most && [...text].length <= most)) return text;
	let end = 0;
	for (let found = 0; found < tokens; ) {
		const start = end;
		end = text.indexOf(" ", end) + 1;
		if (end === 0) return text;
		// A word with one of these has a token, whatever the vocabulary is.
		if (/[0-9A-Za-z]/.test(text.slice(start, end))) found++;
	}
	return text.slice(0, Math.max(end - 1, 0));
}
