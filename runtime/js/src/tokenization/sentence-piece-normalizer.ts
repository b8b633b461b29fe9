import type { DoubleArrayTrie } from "./double-array-trie";
import { WORD_START } from "./piece-model";
import type { PieceTrie } from "./piece-trie";

const SPACE = 0x20;
const NOTHING = new Int32Array(0);

/** A text as SentencePiece normalizes it. */
export interface NormalizedText {
	/** the characters */
	readonly codes: Int32Array;
	/** the character of the given text that each of them came from, and one more entry for the end */
	readonly origins: Int32Array;
}

/**
 * The normalization of SentencePiece: the rules of the charsmap, spaces, and the mark before the first word. The steps are
 * those of `Normalizer::Normalize` in google/sentencepiece (src/normalizer.cc).
 */
export class SentencePieceNormalizer {
	readonly #rules: DoubleArrayTrie | null;
	readonly #userDefined: PieceTrie | null;
	readonly #addDummyPrefix: boolean;
	readonly #removeExtraWhitespaces: boolean;
	readonly #spacesAreSuffixes: boolean;
	readonly #space: number;
	/** How many characters of the text the prefix takes that was read last. */
	#consumed = 0;

	/** `userDefined` are the user-defined pieces, which are left as they are. */
	constructor(
		rules: DoubleArrayTrie | null,
		userDefined: PieceTrie | null,
		addDummyPrefix: boolean,
		removeExtraWhitespaces: boolean,
		escapeWhitespaces: boolean,
		spacesAreSuffixes: boolean,
	) {
		this.#rules = rules;
		this.#userDefined = userDefined;
		this.#addDummyPrefix = addDummyPrefix;
		this.#removeExtraWhitespaces = removeExtraWhitespaces;
		this.#spacesAreSuffixes = spacesAreSuffixes;
		this.#space = escapeWhitespaces ? WORD_START.charCodeAt(0) : SPACE;
	}

	/** `codes` after normalization. */
	normalize(codes: Int32Array): NormalizedText {
		const found = new Output(codes.length + 2);
		const space = this.#space;
		let consumed = 0;
		if (this.#removeExtraWhitespaces) {
			while (consumed < codes.length) {
				const replaced = this.#read(codes, consumed);
				const isSpace =
					replaced === null
						? this.#consumed === 1 && codes[consumed] === SPACE
						: replaced.length === 1 && replaced[0] === SPACE;
				if (!isSpace) break;
				consumed += this.#consumed;
			}
		}
		if (consumed === codes.length) return { codes: NOTHING, origins: Int32Array.of(0) };
		if (this.#addDummyPrefix && !this.#spacesAreSuffixes) found.add(space, consumed);
		let followsSpace = this.#removeExtraWhitespaces;
		while (consumed < codes.length) {
			const replaced = this.#read(codes, consumed);
			const source = replaced ?? codes;
			let place = replaced === null ? consumed : 0;
			const end = replaced === null ? consumed + this.#consumed : replaced.length;
			while (followsSpace && place < end && source[place] === SPACE) place++;
			if (place < end) {
				for (; place < end; place++) {
					const code = source[place] as number;
					found.add(code === SPACE ? space : code, consumed);
				}
				followsSpace = source[end - 1] === SPACE;
			}
			consumed += this.#consumed;
			if (!this.#removeExtraWhitespaces) followsSpace = false;
		}
		if (this.#removeExtraWhitespaces) consumed = found.dropTrailing(space, consumed);
		if (this.#addDummyPrefix && this.#spacesAreSuffixes) found.add(space, consumed);
		return found.build(consumed);
	}

	/** What the beginning of the text at `start` becomes, and null if it stays as it is; sets `#consumed`. */
	#read(codes: Int32Array, start: number): Int32Array | null {
		if (this.#userDefined !== null) {
			this.#consumed = this.#userDefined.longest(codes, start);
			if (this.#consumed > 0) return null;
		}
		this.#consumed = 1;
		const rules = this.#rules;
		if (rules === null) return null;
		const value = rules.longest(codes, start);
		if (rules.characters === 0) return null;
		this.#consumed = rules.characters;
		return rules.replacement(value) ?? NOTHING;
	}
}

class Output {
	#codes: Int32Array;
	#origins: Int32Array;
	#size = 0;

	constructor(capacity: number) {
		this.#codes = new Int32Array(capacity);
		this.#origins = new Int32Array(capacity + 1);
	}

	add(code: number, origin: number): void {
		if (this.#size === this.#codes.length) {
			this.#codes = longer(this.#codes, this.#size * 2);
			this.#origins = longer(this.#origins, this.#size * 2 + 1);
		}
		this.#codes[this.#size] = code;
		this.#origins[this.#size++] = origin;
	}

	/** Drop every `space` at the end; returns where the first of them came from, or `consumed` if there is none. */
	dropTrailing(space: number, consumed: number): number {
		let end = consumed;
		while (this.#size > 0 && this.#codes[this.#size - 1] === space) end = this.#origins[--this.#size] as number;
		return end;
	}

	build(end: number): NormalizedText {
		this.#origins[this.#size] = end;
		return { codes: this.#codes.subarray(0, this.#size), origins: this.#origins.subarray(0, this.#size + 1) };
	}
}

function longer(values: Int32Array, size: number): Int32Array {
	const found = new Int32Array(size);
	found.set(values);
	return found;
}
