/** SequenceLayout: makes sequences `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`. The twin of `sequence_layout.py`. */

import { Encoding } from "./encoding";
import type { SpecialTokens } from "./special-tokens";
import type { Window } from "./truncation";
import type { Vocabulary } from "./vocabulary";

/** It never changes after construction. */
export abstract class SequenceLayout {
	readonly padTokenId: number;
	readonly unkTokenId: number;
	/** the id of the token before all texts */
	readonly clsTokenId: number;
	/** the id of the token behind each text */
	readonly sepTokenId: number;
	readonly maskTokenId: number;

	constructor(
		/** the tokens and their ids */
		readonly vocabulary: Vocabulary,
		/** the tokens that have a role */
		readonly specialTokens: SpecialTokens,
		/** whether the second text of a pair has token type 1; if false, all types are 0 */
		readonly givesTokenTypeIds: boolean,
	) {
		this.padTokenId = vocabulary.idOf(specialTokens.pad);
		this.unkTokenId = vocabulary.idOf(specialTokens.unk);
		this.clsTokenId = vocabulary.idOf(specialTokens.cls);
		this.sepTokenId = vocabulary.idOf(specialTokens.sep);
		this.maskTokenId = vocabulary.idOf(specialTokens.mask);
	}

	/** The token before all texts, as a sequence of its own. */
	beginningOfSequence(sample = 0): Encoding {
		return Encoding.added(this.specialTokens.cls, this.clsTokenId, { sample });
	}

	/** The token behind a text, as a sequence of its own; `second` says that the text is the second one of a pair. */
	separator(second = false): Encoding {
		const typeId = second && this.givesTokenTypeIds ? 1 : 0;
		return Encoding.added(this.specialTokens.sep, this.sepTokenId, { typeId });
	}

	/** 1 for every special token of a whole sequence, 0 for the others. */
	specialTokensMask(ids: readonly number[]): number[] {
		return ids.map((id) => (this.vocabulary.specialIds.has(id) ? 1 : 0));
	}

	/** The sequence of one window, with [CLS] and [SEP] if `addSpecialTokens` is set. */
	protected layOut(first: Encoding, second: Encoding | undefined, window: Window, addSpecialTokens: boolean): Encoding {
		let sequence = first.part(...window.first);
		if (addSpecialTokens) sequence = this.beginningOfSequence(first.sample).plus(sequence).plus(this.separator());
		if (second === undefined) return sequence;
		sequence = sequence.plus(second.part(...window.second));
		return addSpecialTokens ? sequence.plus(this.separator(true)) : sequence;
	}
}
