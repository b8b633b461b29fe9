/** The results of the tokenizer: sequences of token ids, and facts about each token. The twin of `encoding.py`. */

/** The lists of an `Encoding`, which all have the same length. */
interface EncodingFields {
	ids: readonly number[];
	typeIds: readonly number[];
	attentionMask: readonly number[];
	specialTokensMask: readonly number[];
	tokens: readonly string[];
	starts: readonly number[];
	ends: readonly number[];
	wordIds: readonly number[];
	sequenceIds: readonly number[];
}

/**
 * One sequence of tokens: a text or a pair of texts, complete or one window of it. All lists have the same length.
 *
 * A token that the tokenizer added ([CLS], [SEP], padding) has 1 in `specialTokensMask`, the span 0 to 0, and -1 as its
 * word and its sequence. A special token that is written in the text is a token of that text. Spans count UTF-16 code
 * units, so that `text.substring(starts[i], ends[i])` works; those of Python count code points.
 */
export class Encoding implements EncodingFields {
	readonly ids: readonly number[];
	/** 0 for the first text with its [CLS] and [SEP] and for padding, 1 for the second text with its [SEP]; 0 for both if no special tokens were added */
	readonly typeIds: readonly number[];
	/** 0 for padding, 1 otherwise */
	readonly attentionMask: readonly number[];
	readonly specialTokensMask: readonly number[];
	readonly tokens: readonly string[];
	/** where each token begins in the text that the caller gave; the space before a word is not part of the word */
	readonly starts: readonly number[];
	/** where each token ends */
	readonly ends: readonly number[];
	/** the number of the word in its text, counted from 0: a token that begins with "▁" starts a word, and a special token written in the text is a word of its own */
	readonly wordIds: readonly number[];
	/** 0 for the first text, 1 for the second */
	readonly sequenceIds: readonly number[];

	constructor(
		fields: EncodingFields,
		/** the index of the text (or pair) that this sequence or window was made from */
		readonly sample = 0,
	) {
		this.ids = fields.ids;
		this.typeIds = fields.typeIds;
		this.attentionMask = fields.attentionMask;
		this.specialTokensMask = fields.specialTokensMask;
		this.tokens = fields.tokens;
		this.starts = fields.starts;
		this.ends = fields.ends;
		this.wordIds = fields.wordIds;
		this.sequenceIds = fields.sequenceIds;
	}

	/** A sequence of `count` times a token that stands for no text. */
	static added(
		token: string,
		id: number,
		{ count = 1, typeId = 0, attention = 1, sample = 0 }: AddedOptions = {},
	): Encoding {
		const all = <Value>(value: Value): Value[] => new Array<Value>(count).fill(value);
		return new Encoding(
			{
				ids: all(id),
				typeIds: all(typeId),
				attentionMask: all(attention),
				specialTokensMask: all(1),
				tokens: all(token),
				starts: all(0),
				ends: all(0),
				wordIds: all(-1),
				sequenceIds: all(-1),
			},
			sample,
		);
	}

	/** The number of tokens. */
	get length(): number {
		return this.ids.length;
	}

	/** The tokens of this sequence and then those of `other`; the sample is that of this sequence. */
	plus(other: Encoding): Encoding {
		return this.joined(other, (one, more) => one.concat(more));
	}

	/** The tokens with the positions `first` until `last`, which is exclusive. */
	part(first: number, last: number): Encoding {
		return this.joined(this, (one) => one.slice(first, last));
	}

	/** The same tokens as those of the second text of a pair, with the type `typeId`. */
	asSecond(typeId: number): Encoding {
		const same = this.part(0, this.length);
		return new Encoding({ ...same, typeIds: same.ids.map(() => typeId), sequenceIds: same.ids.map(() => 1) }, this.sample);
	}

	/** The sequence with padding on the right up to `length` tokens; unchanged if it is already that long. */
	padded(length: number, token: string, id: number): Encoding {
		if (length <= this.length) return this;
		return this.plus(Encoding.added(token, id, { count: length - this.length, attention: 0 }));
	}

	private joined(other: Encoding, join: <Value>(one: readonly Value[], more: readonly Value[]) => Value[]): Encoding {
		return new Encoding(
			{
				ids: join(this.ids, other.ids),
				typeIds: join(this.typeIds, other.typeIds),
				attentionMask: join(this.attentionMask, other.attentionMask),
				specialTokensMask: join(this.specialTokensMask, other.specialTokensMask),
				tokens: join(this.tokens, other.tokens),
				starts: join(this.starts, other.starts),
				ends: join(this.ends, other.ends),
				wordIds: join(this.wordIds, other.wordIds),
				sequenceIds: join(this.sequenceIds, other.sequenceIds),
			},
			this.sample,
		);
	}
}

interface AddedOptions {
	count?: number;
	typeId?: number;
	attention?: number;
	sample?: number;
}
