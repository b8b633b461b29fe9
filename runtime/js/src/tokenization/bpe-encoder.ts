import { PieceTrie, ROOT } from "./piece-trie";
import type { TakePiece } from "./unigram-encoder";

/**
 * Splits a normalized text into pieces by merging neighbours (byte pair encoding), as `bpe::Model::SampleEncode` of
 * google/sentencepiece (src/bpe_model.cc) does without its random part: the pair with the highest score is merged first, of
 * equal ones the leftmost; user-defined pieces are merged with nothing; pieces that must not be used are taken apart again.
 */
export class BpeEncoder {
	readonly #trie: PieceTrie;
	readonly #userDefined: PieceTrie | null;
	readonly #scores: Float32Array;
	readonly #unused: Uint8Array;
	readonly #unknownId: number;

	/**
	 * Make the encoder.
	 *
	 * @param pieces the pieces that may be merged, and their ids
	 * @param userDefined the user-defined ones of `pieces`
	 * @param unused whether each id is a piece that is merged, but not used
	 */
	constructor(
		pieces: Iterable<readonly [string, number]>,
		userDefined: PieceTrie | null,
		scores: Float32Array,
		unused: Uint8Array,
		unknownId: number,
	) {
		this.#trie = new PieceTrie(pieces);
		this.#userDefined = userDefined;
		this.#scores = scores;
		this.#unused = unused;
		this.#unknownId = unknownId;
	}

	/** The ids of the pieces of `codes`, and where each of them begins and ends, from the last to the first. */
	encode(codes: Int32Array, found: TakePiece): void {
		if (codes.length === 0) return;
		const merges = new Merges(codes, this.#trie, this.#scores, this.#unused, this.#userDefined);
		merges.run();
		const parts: number[] = [];
		for (let symbol = 0; symbol >= 0; symbol = merges.nexts[symbol] as number) {
			const start = merges.starts[symbol] as number;
			this.#take(codes, start, start + (merges.sizes[symbol] as number), merges.halves, parts);
		}
		for (let place = parts.length - 3; place >= 0; place -= 3) {
			found(parts[place] as number, parts[place + 1] as number, parts[place + 2] as number);
		}
	}

	/** Append id, start and end of the characters `start` until `end` to `parts`; those of the two halves if it is unused. */
	#take(codes: Int32Array, start: number, end: number, halves: Map<number, number> | null, parts: number[]): void {
		const id = idOf(this.#trie, codes, start, end);
		const half = halves !== null && id >= 0 && this.#unused[id] === 1 ? halves.get(id) : undefined;
		if (half === undefined) {
			parts.push(id < 0 ? this.#unknownId : id, start, end);
		} else {
			this.#take(codes, start, start + half, halves, parts);
			this.#take(codes, start + half, end, halves, parts);
		}
	}
}

/** The symbols of one text, and the pairs of them that can be merged. */
class Merges {
	/** Where each symbol begins, how many characters it has (0 if it was merged with the one before), and its neighbours. */
	readonly starts: Int32Array;
	readonly sizes: Int32Array;
	readonly #previous: Int32Array;
	readonly nexts: Int32Array;
	/** For each id of an unused piece the number of characters of the left one of the two symbols that it was made of. */
	halves: Map<number, number> | null = null;
	/** The node of the trie for each symbol; -1 if no piece begins so, or the symbol is merged with nothing. */
	readonly #nodes: Int32Array;
	readonly #frozen: Uint8Array;
	readonly #codes: Int32Array;
	readonly #trie: PieceTrie;
	readonly #scores: Float32Array;
	readonly #unused: Uint8Array;
	#count = 0;
	// The pairs: their left and right symbol, the size of both together, and the score.
	#lefts: Int32Array;
	#rights: Int32Array;
	#pairSizes: Int32Array;
	#pairScores: Float32Array;
	#pairs = 0;
	/** The numbers of the pairs as a binary heap, the best one first. */
	#heap: Int32Array;
	#heapSize = 0;

	constructor(
		codes: Int32Array,
		trie: PieceTrie,
		scores: Float32Array,
		unused: Uint8Array,
		userDefined: PieceTrie | null,
	) {
		this.#codes = codes;
		this.#trie = trie;
		this.#scores = scores;
		this.#unused = unused;
		const most = codes.length;
		this.starts = new Int32Array(most);
		this.sizes = new Int32Array(most);
		this.#previous = new Int32Array(most);
		this.nexts = new Int32Array(most);
		this.#nodes = new Int32Array(most);
		this.#frozen = new Uint8Array(most);
		// Each of the first pairs, and each merge, which makes two new ones and removes a symbol.
		const pairs = most * 3;
		this.#lefts = new Int32Array(pairs);
		this.#rights = new Int32Array(pairs);
		this.#pairSizes = new Int32Array(pairs);
		this.#pairScores = new Float32Array(pairs);
		this.#heap = new Int32Array(pairs);
		this.#split(userDefined);
	}

	#split(userDefined: PieceTrie | null): void {
		let start = 0;
		while (start < this.#codes.length) {
			const given = userDefined === null ? 0 : userDefined.longest(this.#codes, start);
			const symbol = this.#count++;
			this.starts[symbol] = start;
			this.sizes[symbol] = Math.max(given, 1);
			this.#previous[symbol] = symbol - 1;
			this.nexts[symbol] = symbol + 1;
			this.#frozen[symbol] = given > 0 ? 1 : 0;
			this.#nodes[symbol] = given > 0 ? -1 : this.#trie.child(ROOT, this.#codes[start] as number);
			start += Math.max(given, 1);
		}
		this.nexts[this.#count - 1] = -1;
	}

	run(): void {
		for (let symbol = 1; symbol < this.#count; symbol++) this.#consider(symbol - 1, symbol);
		while (this.#heapSize > 0) {
			const pair = this.#pop();
			const left = this.#lefts[pair] as number;
			const right = this.#rights[pair] as number;
			const sizes = this.sizes;
			const leftSize = sizes[left] as number;
			const rightSize = sizes[right] as number;
			// One of the two may have been merged with another symbol since.
			if (leftSize === 0 || rightSize === 0 || leftSize + rightSize !== this.#pairSizes[pair]) continue;
			this.#nodes[left] = this.#nodeOf(left, right);
			sizes[left] = leftSize + rightSize;
			sizes[right] = 0;
			const next = this.nexts[right] as number;
			this.nexts[left] = next;
			if (next >= 0) this.#previous[next] = left;
			this.#consider(this.#previous[left] as number, left);
			this.#consider(left, next);
		}
	}

	/** The node of the trie for two symbols together; -1 if no piece begins so. */
	#nodeOf(left: number, right: number): number {
		let node = this.#nodes[left] as number;
		const start = this.starts[right] as number;
		const end = start + (this.sizes[right] as number);
		for (let place = start; node >= 0 && place < end; place++) {
			node = this.#trie.child(node, this.#codes[place] as number);
		}
		return node;
	}

	/** Add the pair of two neighbours if they make a piece together. */
	#consider(left: number, right: number): void {
		if (left < 0 || right < 0 || this.#frozen[left] === 1 || this.#frozen[right] === 1) return;
		const node = this.#nodeOf(left, right);
		const id = node < 0 ? -1 : this.#trie.value(node);
		if (id < 0) return;
		const pair = this.#pairs++;
		this.#lefts[pair] = left;
		this.#rights[pair] = right;
		this.#pairSizes[pair] = (this.sizes[left] as number) + (this.sizes[right] as number);
		this.#pairScores[pair] = this.#scores[id] as number;
		this.#push(pair);
		if (this.#unused[id] === 1) {
			this.halves ??= new Map();
			this.halves.set(id, this.sizes[left] as number);
		}
	}

	#isBefore(one: number, other: number): boolean {
		const score = this.#pairScores[one] as number;
		const otherScore = this.#pairScores[other] as number;
		return (
			score > otherScore || (score === otherScore && (this.#lefts[one] as number) < (this.#lefts[other] as number))
		);
	}

	#push(pair: number): void {
		const heap = this.#heap;
		let place = this.#heapSize++;
		while (place > 0) {
			const parent = (place - 1) >> 1;
			if (!this.#isBefore(pair, heap[parent] as number)) break;
			heap[place] = heap[parent] as number;
			place = parent;
		}
		heap[place] = pair;
	}

	#pop(): number {
		const heap = this.#heap;
		const top = heap[0] as number;
		const moved = heap[--this.#heapSize] as number;
		let place = 0;
		while (true) {
			let child = place * 2 + 1;
			if (child >= this.#heapSize) break;
			if (child + 1 < this.#heapSize && this.#isBefore(heap[child + 1] as number, heap[child] as number)) child++;
			if (!this.#isBefore(heap[child] as number, moved)) break;
			heap[place] = heap[child] as number;
			place = child;
		}
		heap[place] = moved;
		return top;
	}
}

/** The id of the piece with the characters `start` until `end`; -1 if there is none. */
function idOf(trie: PieceTrie, codes: Int32Array, start: number, end: number): number {
	let node = ROOT;
	for (let place = start; place < end; place++) {
		node = trie.child(node, codes[place] as number);
		if (node < 0) return -1;
	}
	return trie.value(node);
}
