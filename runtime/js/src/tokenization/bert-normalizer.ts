/**
 * The normalization of a text before WordPiece splits its words. The steps and their order are those of `BasicTokenizer` in
 * Google's BERT (tokenization.py) and in Hugging Face's slow `BertTokenizer` (transformers 4.57). The twin of
 * `bert_normalizer.py`.
 */

import { AlignedText, type CharacterChange } from "./aligned-text";
import {
	codePoints,
	isOther,
	isPunctuationMark,
	isSpace,
	isSpaceSeparator,
	REPLACEMENT,
	textOf,
	withoutMarks,
} from "./characters";
import type { TextNormalizer } from "./normalizer";

/** The blocks of Chinese characters, the first and the last character of each; kana and Hangul are not among them. */
const CHINESE_BLOCKS: readonly (readonly [number, number])[] = [
	[0x4e00, 0x9fff],
	[0x3400, 0x4dbf],
	[0x20000, 0x2a6df],
	[0x2a700, 0x2b73f],
	[0x2b740, 0x2b81f],
	[0x2b820, 0x2ceaf],
	[0xf900, 0xfaff],
	[0x2f800, 0x2fa1f],
];
const SPACE = Int32Array.of(0x20);
const NOTHING = new Int32Array(0);

/** Whether the character is in one of the Chinese blocks of BERT. */
export function isChinese(code: number): boolean {
	if (code < 0x3400) return false;
	for (const [first, last] of CHINESE_BLOCKS) if (code >= first && code <= last) return true;
	return false;
}

/** Whether the character is a word of its own: Unicode's punctuation, and all symbols of ASCII, such as "$". */
export function isPunctuation(code: number): boolean {
	if (code >= 0x80) return isPunctuationMark(code);
	if (code <= 0x2f) return code >= 0x21;
	return (code >= 0x3a && code <= 0x40) || (code >= 0x5b && code <= 0x60) || (code >= 0x7b && code <= 0x7e);
}

/** The character between spaces. */
export function apart(code: number): Int32Array {
	return Int32Array.of(0x20, code, 0x20);
}

/** The characters of ASCII between spaces. */
const APART = Array.from({ length: 0x80 }, (_, code) => apart(code));

const separatePunctuation: CharacterChange = (code) => {
	if (!isPunctuation(code)) return null;
	return APART[code] ?? apart(code);
};

/** Normalizes texts by the options of a BertTokenizer, so that there is white space between all words. */
export class BertNormalizer implements TextNormalizer {
	private readonly firstKept: ReadonlySet<number>;
	private readonly longestKept: number;

	/**
	 * @param stripAccents null or undefined for the value of `doLowerCase`. Voiced kana and Hangul lose their sound mark and their
	 *   syllables, too.
	 * @param tokenizeChineseChars make each Chinese character a word
	 * @param neverSplit the words that are left as they are: the special tokens. One that is written in a text is found
	 *   before, but "[MA\u200bSK]" becomes one only when control characters are dropped.
	 */
	constructor(
		private readonly doLowerCase: boolean,
		private readonly stripAccents: boolean | null | undefined,
		private readonly tokenizeChineseChars: boolean,
		private readonly neverSplit: ReadonlySet<string> = new Set(),
	) {
		const kept = [...neverSplit].map(codePoints);
		this.firstKept = new Set(kept.map((word) => word[0] ?? -1));
		this.longestKept = Math.max(0, ...kept.map((word) => word.length));
	}

	/** The same normalizer with other words that are left as they are. */
	keeping(words: ReadonlySet<string>): BertNormalizer {
		return new BertNormalizer(this.doLowerCase, this.stripAccents, this.tokenizeChineseChars, words);
	}

	/**
	 * `text` with spaces around Chinese characters and punctuation, in NFC, without control characters. As the options say,
	 * it is in lower case, and without accents.
	 */
	normalize(text: AlignedText): AlignedText {
		const cleaned = text.mapCharacters((code) => this.clean(code)).compose();
		const changed = this.outsideKeptWords(cleaned, (part) => this.change(part));
		return this.outsideKeptWords(changed, (part) => part.mapCharacters(separatePunctuation));
	}

	/** A space for white space; nothing for a control character, one that is not assigned, or U+FFFD. */
	private clean(code: number): Int32Array | null {
		if (code >= 0x20 && code < 0x7f) return null;
		if (code === 9 || code === 10 || code === 13) return SPACE;
		if (code === REPLACEMENT || isOther(code)) return NOTHING;
		if (isSpaceSeparator(code)) return SPACE;
		return this.tokenizeChineseChars && isChinese(code) ? apart(code) : null;
	}

	private change(text: AlignedText): AlignedText {
		// The final sigma depends on the word alone, as white space ends what `lower` looks at.
		const lower = this.doLowerCase ? text.lower() : text;
		// Decomposing one character at a time gives the same as decomposing the whole word: after NFC, the marks that are kept
		// are in their order already.
		return (this.stripAccents ?? this.doLowerCase) ? lower.mapCharacters(withoutMarks) : lower;
	}

	/** `text` after `step`, which leaves the words of `neverSplit` as they are. */
	private outsideKeptWords(text: AlignedText, step: (part: AlignedText) => AlignedText): AlignedText {
		if (this.neverSplit.size === 0) return step(text);
		const bounds = words(text.codes);
		const parts: AlignedText[] = [];
		let end = 0;
		for (let index = 0; index < bounds.length; index += 2) {
			const start = bounds[index] as number;
			const stop = bounds[index + 1] as number;
			if (!this.keeps(text.codes, start, stop)) continue;
			parts.push(step(text.part(end, start)), text.part(start, stop));
			end = stop;
		}
		if (parts.length === 0) return step(text);
		return AlignedText.joined([...parts, step(text.part(end, text.size))]);
	}

	private keeps(codes: Int32Array, start: number, stop: number): boolean {
		if (stop - start > this.longestKept || !this.firstKept.has(codes[start] as number)) return false;
		return this.neverSplit.has(textOf(codes, start, stop));
	}
}

/** The start and the end of each run of characters that are no white space, one after another. */
export function words(codes: Int32Array): number[] {
	const found: number[] = [];
	let start = -1;
	for (let place = 0; place < codes.length; place++) {
		if (isSpace(codes[place] as number)) {
			if (start >= 0) found.push(start, place);
			start = -1;
		} else if (start < 0) start = place;
	}
	if (start >= 0) found.push(start, codes.length);
	return found;
}
