/** LabelledTokens: the outputs of token classification for one text of any length. */

import { concatenate, type Tensor } from "../tensors";
import type { Encoding } from "../tokenization/encoding";
import { WORD_START } from "../tokenization/piece-model";
import type { AlbertTokenizer } from "../tokenization/tokenizer";
import { WordPieceModel } from "../tokenization/wordpiece-model";
import { strip } from "../white-space";
import { largestPlace } from "./probabilities";
import type { Range } from "./tags";

/** The characters from `start` to `end` of a text. */
export interface Span {
	start: number;
	end: number;
}

/** One window's sequence, the positions whose tokens are taken from it, and the logits of all its positions. */
export interface LabelledPart {
	encoding: Encoding;
	own: Range;
	logits: Tensor;
}

/** The tokens of one text with the logits of their labels; the [CLS] and [SEP] around it are left out. */
export class LabelledTokens {
	/** `[tokens, labels]` */
	readonly logits: Tensor;
	/** the pieces of the vocabulary; null for what is not in it */
	readonly tokens: (string | null)[] = [];
	/** what each token stands for in the text */
	readonly offsets: Span[] = [];
	/** the number of the word that each token belongs to: a given word, or what stands between two spaces; -1 for none */
	readonly wordIds: number[] = [];
	/** whether the pieces are those of WordPiece, which mark a word's continuation, and not its start */
	private readonly wordpiece: boolean;

	/**
	 * @param text the text that was tokenized
	 * @param parts its windows
	 * @param tokenizer the tokenizer that made the sequences
	 * @param words what each word stands for in the text, if it was given as words
	 */
	constructor(
		readonly text: string,
		parts: readonly LabelledPart[],
		tokenizer: AlbertTokenizer,
		readonly words: readonly Span[] | null = null,
	) {
		this.wordpiece = tokenizer.wordpiece !== null;
		this.logits = concatenate(parts.map(({ own, logits }) => rows(logits, own)));
		for (const { encoding, own } of parts) {
			for (let place = own.start; place < own.stop; place++) {
				this.tokens.push(encoding.ids[place] === tokenizer.unkTokenId ? null : (encoding.tokens[place] as string));
				this.offsets.push({ start: encoding.starts[place] as number, end: encoding.ends[place] as number });
				this.wordIds.push(encoding.wordIds[place] as number);
			}
		}
	}

	/** The index of the best label of each token. */
	get labelIds(): number[] {
		return this.tokens.map((_, token) => largestPlace(rows(this.logits, { start: token, stop: token + 1 }).data));
	}

	/** The piece of one token; for a token that is not in the vocabulary, the characters it stands for. */
	piece(token: number): string {
		const { start, end } = this.offset(token);
		return this.tokens[token] || this.text.substring(start, end);
	}

	/**
	 * Whether a token begins a word, as Hugging Face's pipeline tells it.
	 *
	 * A token that is not in the vocabulary begins one, and so does a word that was given, whatever stands before it. A
	 * piece of WordPiece says it itself. With SentencePiece, a space is before the token or is its first character.
	 */
	startsWord(token: number): boolean {
		const piece = this.tokens[token] ?? null;
		const { start } = this.offset(token);
		const given = this.words !== null && token > 0 && this.wordIds[token] !== this.wordIds[token - 1];
		if (token === 0 || given || piece === null) return true;
		if (this.wordpiece) return WordPieceModel.startsWord(piece);
		return start === 0 || this.text.substring(start - 1, start + 1).includes(" ");
	}

	/** The text that the pieces spell; in lower case and without accents, if the vocabulary has none. */
	spell(tokens: Range): string {
		const pieces = Array.from({ length: tokens.stop - tokens.start }, (_, place) => this.piece(tokens.start + place));
		return this.wordpiece ? WordPieceModel.join(pieces) : strip(pieces.join("").replaceAll(WORD_START, " "));
	}

	/** What some neighbouring tokens stand for in the text. */
	span(tokens: Range): Span {
		const spans = this.offsets.slice(tokens.start, tokens.stop);
		// A token that is only the mark of a space stands for no character; its place is the next word.
		const visible = spans.filter((one) => one.start < one.end);
		const kept = visible.length ? visible : spans.slice(0, 1);
		return { start: kept[0]?.start ?? 0, end: kept.at(-1)?.end ?? 0 };
	}

	/** What one token stands for in the text. */
	offset(token: number): Span {
		return this.offsets[token] as Span;
	}
}

function rows(tensor: Tensor, range: Range): Tensor {
	const columns = tensor.dims[1] ?? 0;
	const data = tensor.data.subarray(range.start * columns, range.stop * columns);
	return { dims: [range.stop - range.start, columns], data };
}
