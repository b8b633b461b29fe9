import { utf8Size } from "./double-array-trie";
import { PieceTrie, ROOT } from "./piece-trie";

/** The score of an unknown character is so much below the lowest score of a piece. */
const UNKNOWN_PENALTY = 10;

/** The score of a user-defined piece for each byte after the first. */
const USER_DEFINED_BONUS = 0.1;

/** SentencePiece makes a sum below this 0 again (observed with 0.2.3, whose sums would have too few bits otherwise). */
const LOWEST_SUM = -100_000;

/** What a piece is told by: its id, and where it begins and ends in the text. */
export type TakePiece = (id: number, start: number, end: number) => void;

/**
 * Splits a normalized text into the most probable pieces (Viterbi), as `unigram::Model::EncodeOptimized` of
 * google/sentencepiece 0.2.3 (src/unigram_model.cc) does: sums have 32 bits, and of two equal paths the one that is found
 * first is taken.
 */
export class UnigramEncoder {
	readonly #trie: PieceTrie;
	readonly #scores: Float32Array;
	readonly #userDefined: Uint8Array;
	readonly #unknownScore: number;
	readonly #unknownId: number;
	// The working memory of `encode`, which is kept from call to call.
	#best = new Float32Array(256);
	#begins = new Int32Array(256);
	#ids = new Int32Array(256);

	/**
	 * Make the encoder.
	 *
	 * @param pieces the pieces that may be found in a text, and their ids; without those that are not used
	 * @param userDefined whether each id is a user-defined piece, which is preferred to all others
	 */
	constructor(
		pieces: Iterable<readonly [string, number]>,
		scores: Float32Array,
		userDefined: Uint8Array,
		lowest: number,
		unknownId: number,
	) {
		this.#trie = new PieceTrie(pieces);
		this.#scores = scores;
		this.#userDefined = userDefined;
		this.#unknownScore = Math.fround(lowest - UNKNOWN_PENALTY);
		this.#unknownId = unknownId;
	}

	/** The ids of the pieces of `codes`, and where each of them begins and ends, from the last to the first. */
	encode(codes: Int32Array, found: TakePiece): void {
		const size = codes.length;
		if (this.#best.length <= size) {
			this.#best = new Float32Array(size * 2);
			this.#begins = new Int32Array(size * 2);
			this.#ids = new Int32Array(size * 2);
		}
		const best = this.#best;
		const begins = this.#begins;
		const ids = this.#ids;
		const trie = this.#trie;
		const scores = this.#scores;
		const userDefined = this.#userDefined;
		best[0] = 0;
		begins.fill(-1, 0, size + 1);
		for (let start = 0; start < size; start++) {
			if ((best[start] as number) < LOWEST_SUM) rebase(best, begins, start, size);
			const before = best[start] as number;
			let single = false;
			let node = ROOT;
			for (let place = start; place < size; place++) {
				node = trie.child(node, codes[place] as number);
				if (node < 0) break;
				const id = trie.value(node);
				if (id < 0) continue;
				const end = place + 1;
				// A user-defined piece is preferred to all others, and a longer one to a shorter one; its own score is not used.
				const score = userDefined[id] === 1 ? userDefinedScore(codes, start, end) : (scores[id] as number);
				const sum = Math.fround(score + before);
				if ((begins[end] as number) < 0 || sum > (best[end] as number)) {
					best[end] = sum;
					begins[end] = start;
					ids[end] = id;
				}
				if (place === start) single = true;
			}
			if (single) continue;
			const end = start + 1;
			const sum = Math.fround(this.#unknownScore + before);
			if ((begins[end] as number) < 0 || sum > (best[end] as number)) {
				best[end] = sum;
				begins[end] = start;
				ids[end] = this.#unknownId;
			}
		}
		let end = size;
		while (end > 0) {
			const start = begins[end] as number;
			found(ids[end] as number, start, end);
			end = start;
		}
	}
}

/** Make the sum at `start` 0, and those behind it as much larger, so that sums stay exact in long texts. */
function rebase(best: Float32Array, begins: Int32Array, start: number, size: number): void {
	const base = best[start] as number;
	for (let end = start; end <= size; end++) {
		if ((begins[end] as number) >= 0) best[end] = (best[end] as number) - base;
	}
}

function userDefinedScore(codes: Int32Array, start: number, end: number): number {
	let bytes = 0;
	for (let place = start; place < end; place++) bytes += utf8Size(codes[place] as number);
	return Math.fround(USER_DEFINED_BONUS * (bytes - 1));
}
