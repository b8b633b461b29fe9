/** Words that the caller has split: where they stand in the text, and their tokens. The twin of `given_words.py`. */

import { UsageError } from "../errors";
import { repr, shortRepr } from "../repr";
import { strip } from "../white-space";
import { Encoding } from "./encoding";
import type { AlbertTokenizer } from "./tokenizer";

/** so many characters are shown in messages */
const SHOWN = 40;

/** The start and the end of a word in its text, in UTF-16 code units. */
export type Span = readonly [number, number];

/**
 * The text of some words, and the place of each of them in it.
 *
 * @param words the words, in order
 * @param text the text that they were split from; if not given, the words with spaces between them
 * @throws UsageError there is no word, or one of them does not occur in the text
 */
export function locateWords(words: readonly string[], text?: string): { text: string; spans: Span[] } {
	if (!words.some((word) => strip(word))) throw new UsageError("words holds no word; give it some");
	const joined = text ?? words.join(" ");
	const spans: Span[] = [];
	let end = 0;
	words.forEach((word, number) => {
		const start = end <= joined.length ? joined.indexOf(word, end) : -1;
		if (start < 0) {
			const rest = [...joined.slice(end)].slice(0, SHOWN).join("");
			throw new UsageError(
				`words[${number}] is ${shortRepr(word, SHOWN)}, which does not occur in the text after character ${end}, where the ` +
					`word before it ends (${repr(rest)}); give words that were split from this text, or no text`,
			);
		}
		spans.push([start, start + word.length]);
		end = start + word.length + (text === undefined ? 1 : 0); // the space
	});
	return { text: joined, spans };
}

/**
 * The tokens of some words, each tokenized by itself, as one sequence without special tokens.
 *
 * @param words the words, in order
 * @param spans the place of each word in the text; the spans of the tokens refer to the same text
 */
export function encodeWords(tokenizer: AlbertTokenizer, words: readonly string[], spans: readonly Span[]): Encoding {
	const encodings = tokenizer.encodeAll(words, undefined, { addSpecialTokens: false });
	const moved = (places: readonly number[], number: number) => places.map((place) => place + (spans[number]?.[0] ?? 0));
	return new Encoding({
		ids: encodings.flatMap((one) => one.ids),
		typeIds: encodings.flatMap((one) => one.typeIds),
		attentionMask: encodings.flatMap((one) => one.attentionMask),
		specialTokensMask: encodings.flatMap((one) => one.specialTokensMask),
		tokens: encodings.flatMap((one) => one.tokens),
		starts: encodings.flatMap((one, number) => moved(one.starts, number)),
		ends: encodings.flatMap((one, number) => moved(one.ends, number)),
		wordIds: encodings.flatMap((one, number) => one.ids.map(() => number)),
		sequenceIds: encodings.flatMap((one) => one.sequenceIds),
	});
}
