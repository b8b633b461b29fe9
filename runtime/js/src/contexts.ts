/** A tokenized context: the tokens and words of a text in which answers are searched, and its windows. */

import { bisectRight } from "./postprocessing/words";
import type { Encoding } from "./tokenization/encoding";
import type { AlbertTokenizer } from "./tokenization/tokenizer";
import type { TextWindow } from "./windows";

/**
 * What stands between the white space that Google's run_squad and Hugging Face's pipeline split a context at. U+202F is
 * the narrow no-break space; other Unicode spaces are part of a word.
 */
const WORD = /[^ \t\r\n\u202f]+/g;

/** For each token, where something begins and ends in the text. */
export interface Spans {
	starts: ArrayLike<number>;
	ends: ArrayLike<number>;
}

/** How the windows of a context are made. */
export interface ContextWindows {
	/** the most tokens in a sequence; it leaves room for at least one token of the context */
	length: number;
	/**
	 * the tokens between the beginnings of two neighbouring windows. If a window has room for fewer, the next window
	 * begins where it ends, so that no token is left out.
	 */
	step: number;
}

/** A context and its tokens, as the second text of a pair and without special tokens around them. */
export class TokenizedContext {
	readonly encoding: Encoding;
	/**
	 * For each token, whether an answer may start or end at it. It may not at a special token: [SEP] and the like that
	 * are written in the text, and `<unk>`, which stands for what the vocabulary lacks.
	 */
	readonly selectable: boolean[];
	/** The characters of each token. A bare "▁" has none: its start is its end. */
	readonly tokenSpans: Spans;
	private words: Spans | undefined;

	constructor(
		readonly text: string,
		private readonly tokenizer: AlbertTokenizer,
	) {
		const [encoding] = tokenizer.encode(text, undefined, { addSpecialTokens: false });
		this.encoding = (encoding as Encoding).asSecond(tokenizer.givesTokenTypeIds ? 1 : 0);
		this.selectable = Array.from(tokenizer.specialTokensMask(this.encoding.ids), (special) => !special);
		this.tokenSpans = this.encoding;
	}

	/** The characters of the words that each token begins and ends in. */
	get wordSpans(): Spans {
		if (this.words === undefined) {
			const words = [...this.text.matchAll(WORD)].map((match) => [match.index, match.index + match[0].length] as const);
			const begins = words.map(([start]) => start);
			// As in Python, a place before the first word belongs to the last one.
			const word = (place: number) => words.at(bisectRight(begins, place) - 1) as readonly [number, number];
			const { starts, ends } = this.tokenSpans;
			this.words = {
				starts: Array.from(starts, (start) => word(start)[0]),
				ends: Array.from(ends, (end, token) => word(Math.max(end - 1, starts[token] as number))[1]),
			};
		}
		return this.words;
	}

	/** The sequences `[CLS] question [SEP] window [SEP]` whose windows cover the context, as run_squad makes them. */
	windows(question: Encoding, size: ContextWindows): TextWindow[] {
		const before = this.tokenizer.beginningOfSequence().plus(question).plus(this.tokenizer.separator());
		const after = this.tokenizer.separator(true);
		const room = size.length - before.length - after.length;
		const count = this.encoding.length;
		const windows: TextWindow[] = [];
		for (let first = 0; ; first += Math.min(size.step, room)) {
			const stop = Math.min(first + room, count);
			const encoding = before.plus(this.encoding.part(first, stop)).plus(after);
			windows.push({ encoding, begin: before.length, end: before.length + stop - first, first });
			if (stop === count) return windows;
		}
	}
}
