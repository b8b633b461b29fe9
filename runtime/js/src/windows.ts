/** The overlapping windows of a long text: which tokens of the text are in which window, and at which positions. */

import type { Range } from "./postprocessing/tags";
import type { Encoding } from "./tokenization/encoding";
import type { AlbertTokenizer } from "./tokenization/tokenizer";

/** tokens that two neighbouring windows share */
export const STRIDE = 128;

/**
 * One window: a sequence, and which of its tokens are tokens of the text. The positions from `begin` to `end` of
 * `encoding` hold tokens of the text; the first of them has the number `first` in the text.
 */
export interface TextWindow {
	encoding: Encoding;
	begin: number;
	end: number;
	first: number;
}

/** How windows are cut. */
export interface WindowSize {
	/** the most tokens in a window, special tokens included */
	maxLength: number;
	/** the tokens that two neighbouring windows share; at most half of a window */
	stride: number;
}

/** The windows `[CLS] tokens [SEP]` of one text, in order. `encoding` has no special tokens around it. */
export function cutWindows(tokenizer: AlbertTokenizer, encoding: Encoding, size: WindowSize): TextWindow[] {
	const room = size.maxLength - 2; // [CLS] and [SEP]
	const stride = Math.min(size.stride, Math.floor(room / 2));
	const [cls, sep] = [tokenizer.beginningOfSequence(), tokenizer.separator()];
	const count = encoding.length;
	const windows: TextWindow[] = [];
	// A text that fits is one window; otherwise the last window is the first one that reaches the end.
	for (let first = 0; first === 0 || first < count - stride; first += room - stride) {
		const stop = Math.min(first + room, count);
		const sequence = cls.plus(encoding.part(first, stop)).plus(sep);
		windows.push({ encoding: sequence, begin: 1, end: 1 + stop - first, first });
		if (count <= room) break;
	}
	return windows;
}

/**
 * For each window, the positions whose tokens are taken from it, so that every token of the text is taken once.
 *
 * Each overlap is divided in the middle: a token is taken from the window that shows more of the text around it.
 */
export function ownPositions(windows: readonly TextWindow[]): Range[] {
	const cuts = [0];
	windows.forEach((window, number) => {
		const following = windows[number + 1];
		const behind = window.first + window.end - window.begin;
		cuts.push(following === undefined ? behind : Math.floor((following.first + behind) / 2));
	});
	return windows.map((window, number) => ({
		start: window.begin + (cuts[number] as number) - window.first,
		stop: window.begin + (cuts[number + 1] as number) - window.first,
	}));
}
