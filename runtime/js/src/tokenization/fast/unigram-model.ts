import { listed, UnsupportedError } from "../../errors";
import { repr, shortRepr } from "../../repr";
import type { AlignedText } from "../aligned-text";
import { textOf } from "../characters";
import { utf8Byte, utf8Size } from "../double-array-trie";
import { type Piece, type PieceModel, spelling, startsWord, WORD_START } from "../piece-model";
import { PieceTrie, ROOT } from "../piece-trie";
import { pieceOfByte } from "../sentence-piece-processor";
import { field, isTrue, type JsonObject } from "../tokenizer-file";

/** The score of an unknown character is so much below the lowest score of a piece. */
const UNKNOWN_PENALTY = 10;

/** So many characters of an entry are shown in messages. */
const SHOWN = 60;
const LARGEST_SCORE = 1e30;
const MARK = WORD_START.charCodeAt(0);
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * The Unigram vocabulary of a tokenizer.json: pieces and their log probabilities; a word is split into the most probable
 * pieces (Viterbi). The twin of `fast/unigram_model.py`.
 *
 * Sums and ties are those of `Unigram::encode_optimized` in huggingface/tokenizers (models/unigram/model.rs), which adds
 * 64-bit numbers. SentencePiece adds 32-bit numbers, and splits "!!!!" the other way round.
 */
export class UnigramModel implements PieceModel {
	readonly maskTakesSpace = false;
	readonly startsWord = startsWord;
	readonly spelling = spelling;
	readonly #pieces: string[];
	readonly #scores: Float64Array;
	readonly #unknownId: number;
	readonly #spellsBytes: boolean;
	readonly #ids = new Map<string, number>();
	readonly #trie: PieceTrie;
	readonly #unknownScore: number;

	/** @throws UnsupportedError `model`, the "model" of a tokenizer.json, is damaged; the message lists every problem */
	constructor(model: JsonObject) {
		const problems = vocabularyProblems(model);
		if (problems.length > 0)
			throw new UnsupportedError(listed("the vocabulary of tokenizer.json is damaged:", problems));
		const entries = field(model, "vocab") as [string, number][];
		this.#pieces = entries.map(([piece]) => piece);
		this.#scores = Float64Array.from(entries, ([, score]) => score);
		this.#unknownId = field(model, "unk_id") as number;
		this.#spellsBytes = isTrue(field(model, "byte_fallback"));
		this.#pieces.forEach((piece, id) => {
			this.#ids.set(piece, id);
		});
		this.#trie = new PieceTrie([...this.#ids].filter(([piece]) => piece !== ""));
		this.#unknownScore = this.#scores.reduce((lowest, score) => Math.min(lowest, score)) - UNKNOWN_PENALTY;
	}

	get size(): number {
		return this.#pieces.length;
	}

	idOf(piece: string): number {
		return this.#ids.get(piece) ?? this.#unknownId;
	}

	pieceOf(id: number): string {
		return this.#pieces[id] as string;
	}

	holds(piece: string): boolean {
		return this.#ids.has(piece);
	}

	join(pieces: readonly string[]): string {
		const text = pieces.join("").replaceAll(WORD_START, " ");
		return text.startsWith(" ") ? text.slice(1) : text;
	}

	/** The pieces of a word, or of a text in which each space is a "▁". The mark is not part of the spans. */
	split(text: AlignedText): Piece[] {
		const found: Piece[] = [];
		const { codes, starts, ends } = text;
		const path = this.#bestPath(codes);
		for (let index = path.length - 2; index >= 0; index -= 2) {
			const start = path[index] as number;
			const end = path[index + 1] as number;
			let first = start;
			while (first < end && codes[first] === MARK) first++;
			let last = end - 1;
			while (last >= start && codes[last] === MARK) last--;
			// A piece that is only a space stands for no character: its place is the character behind it.
			const begin = (first < codes.length ? starts[first] : ends[ends.length - 1]) as number;
			const stop = last >= first ? (ends[last] as number) : begin;
			const piece = textOf(codes, start, end);
			const names = this.#spellsBytes && !this.#ids.has(piece) ? this.#bytesOf(codes, start, end) : null;
			for (const name of names ?? [piece]) found.push({ piece: name, start: begin, end: stop });
		}
		return found;
	}

	/** The pieces of the bytes of some characters; null if the vocabulary lacks one of them. */
	#bytesOf(codes: Int32Array, start: number, end: number): string[] | null {
		const names: string[] = [];
		for (let place = start; place < end; place++) {
			const code = codes[place] as number;
			const size = utf8Size(code);
			for (let number = 0; number < size; number++) names.push(pieceOfByte(utf8Byte(code, number, size)));
		}
		return names.every((name) => this.#ids.has(name)) ? names : null;
	}

	/** Start and end of each piece, from the last to the first; neighbouring unknown characters are one piece. */
	#bestPath(codes: Int32Array): number[] {
		const size = codes.length;
		const best = new Float64Array(size + 1);
		const begins = new Int32Array(size + 1).fill(-1);
		const known = new Uint8Array(size + 1);
		const trie = this.#trie;
		for (let start = 0; start < size; start++) {
			const before = best[start] as number;
			let single = false;
			let node = ROOT;
			for (let end = start + 1; end <= size; end++) {
				node = trie.child(node, codes[end - 1] as number);
				if (node < 0) break;
				const id = trie.value(node);
				if (id < 0) continue;
				if (end === start + 1) single = true;
				const sum = before + (this.#scores[id] as number);
				if ((begins[end] as number) < 0 || sum > (best[end] as number)) {
					best[end] = sum;
					begins[end] = start;
					known[end] = id === this.#unknownId ? 0 : 1;
				}
			}
			const end = start + 1;
			const sum = before + this.#unknownScore;
			if (!single && ((begins[end] as number) < 0 || sum > (best[end] as number))) {
				best[end] = sum;
				begins[end] = start;
				known[end] = 0;
			}
		}
		return joinedUnknowns(begins, known);
	}
}

/** The spans of the path that `begins` describes, from the last to the first. */
function joinedUnknowns(begins: Int32Array, known: Uint8Array): number[] {
	const found: number[] = [];
	let end = begins.length - 1;
	let unknownEnd = end;
	while (end > 0) {
		const start = begins[end] as number;
		if (known[end] === 1) {
			if (unknownEnd > end) found.push(end, unknownEnd);
			found.push(start, end);
			unknownEnd = start;
		}
		end = start;
	}
	if (unknownEnd > 0) found.push(0, unknownEnd);
	return found;
}

/** What is wrong with the "model" of a tokenizer.json, which is a Unigram model. */
function vocabularyProblems(model: JsonObject): string[] {
	const vocabulary = field(model, "vocab");
	if (!Array.isArray(vocabulary) || vocabulary.length === 0) return ["vocab must be a list of pieces and scores"];
	const problems: string[] = [];
	vocabulary.forEach((entry, index) => {
		if (!isEntry(entry)) problems.push(`vocab[${index}] is ${shortRepr(entry, SHOWN)}`);
	});
	const unknown = field(model, "unk_id");
	if (Number.isInteger(unknown) && (unknown as number) >= 0 && (unknown as number) < vocabulary.length) return problems;
	return [...problems, `unk_id is ${repr(unknown)}, which is not the number of a piece`];
}

function isEntry(entry: unknown): boolean {
	if (!Array.isArray(entry) || entry.length !== 2) return false;
	const [piece, score] = entry;
	if (typeof piece !== "string" || typeof score !== "number") return false;
	return Math.abs(score) < LARGEST_SCORE && !LONE_SURROGATE.test(piece);
}
