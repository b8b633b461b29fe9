/**
 * The normalization of a text before SentencePiece splits it. The steps and their order are those of `preprocess_text` in
 * Google's ALBERT (tokenization.py) and of Hugging Face's slow `AlbertTokenizer`. The twin of `normalizer.py`.
 */

import type { AlignedText } from "./aligned-text";
import { withoutAccents } from "./characters";

/** Prepares a text for a `PieceModel`. */
export interface TextNormalizer {
	/** `text` as the model expects it. */
	normalize(text: AlignedText): AlignedText;
}

const QUOTE = 0x22;
const SINGLE_QUOTES = [0x60, 0x27];

/** Normalizes texts by the three options of an ALBERT tokenizer. */
export class Normalizer implements TextNormalizer {
	constructor(
		private readonly doLowerCase: boolean,
		private readonly removeSpace: boolean,
		private readonly keepAccents: boolean,
	) {}

	/** `text` with plain quotes and, as the options say, squeezed white space, no accents, and in lower case. */
	normalize(text: AlignedText): AlignedText {
		let found = this.removeSpace ? text.squeezeSpaces() : text;
		for (const quote of SINGLE_QUOTES) found = found.mergePairs(quote, QUOTE);
		// Decomposing one character at a time gives the same as decomposing the whole text: NFKD reorders only combining marks,
		// and all of them are dropped.
		if (!this.keepAccents) found = found.mapCharacters(withoutAccents);
		return this.doLowerCase ? found.lower() : found;
	}
}
