/** Splits texts into pieces as Hugging Face's slow tokenizers do. */

import type { AddedVocabulary } from "./added-vocabulary";
import type { TextNormalizer } from "./normalizer";
import type { Piece, PieceModel } from "./piece-model";

/** What splits a text into pieces. */
export interface TextSplitter {
	/** The pieces of each added token and of each part between two of them, in order. */
	sections(text: string): Piece[][];
}

/**
 * Splits texts into pieces in the steps of Hugging Face's slow tokenizers: separates the added tokens first, then normalizes
 * and splits the parts between them. The twin of `slow_splitter.py`.
 */
export class SlowSplitter implements TextSplitter {
	constructor(
		private readonly added: AddedVocabulary,
		private readonly normalizer: TextNormalizer,
		private readonly model: PieceModel,
		private readonly doLowerCase: boolean,
	) {}

	sections(text: string): Piece[][] {
		return this.added.split(text, this.doLowerCase).map((part) => {
			const token = this.added.tokenOf(part);
			if (token === null) return this.model.split(this.normalizer.normalize(part));
			return [{ piece: token.content, start: part.starts[0] as number, end: part.ends[part.size - 1] as number }];
		});
	}
}
