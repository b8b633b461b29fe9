import { codePoints } from "./characters";

/** The node of the empty beginning. */
export const ROOT = 0;

const INITIAL_CAPACITY = 1 << 10;

/** Odd numbers whose bits look random: 2^32 divided by the golden ratio, and one of MurmurHash3. */
const NODE_MULTIPLIER = 0x9e3779b1 | 0;
const CODE_MULTIPLIER = 0x85ebca6b | 0;

/** Characters below this have a table of their own at the root. */
const DIRECT = 1 << 14;

/** A trie of pieces by their characters, kept in a hash table. It never changes after construction. */
export class PieceTrie {
	/** Three numbers for each place: the node (one more than it; 0 marks a free place), the character, and the child. */
	#table = new Int32Array(INITIAL_CAPACITY * 3);
	#mask = INITIAL_CAPACITY - 1;
	#used = 0;
	#values = new Int32Array(INITIAL_CAPACITY).fill(-1);
	#nodes = 1;
	/** The children of the root for the characters below DIRECT; -1 for none. */
	readonly #first = new Int32Array(DIRECT).fill(-1);

	constructor(pieces: Iterable<readonly [string, number]>) {
		for (const [piece, value] of pieces) {
			let node = ROOT;
			for (const code of codePoints(piece)) {
				const next = this.child(node, code);
				node = next >= 0 ? next : this.#addChild(node, code);
			}
			this.#values[node] = value;
		}
	}

	/** The node behind `node` for the character `code`; -1 if there is none. */
	child(node: number, code: number): number {
		if (node === ROOT && code < DIRECT) return this.#first[code] as number;
		const table = this.#table;
		const mask = this.#mask;
		let slot = slotOf(node, code) & mask;
		while (true) {
			const place = slot * 3;
			const held = table[place] as number;
			if (held === 0) return -1;
			if (held === node + 1 && table[place + 1] === code) return table[place + 2] as number;
			slot = (slot + 1) & mask;
		}
	}

	/** The value of the piece that ends at `node`; -1 if none does. */
	value(node: number): number {
		return this.#values[node] as number;
	}

	/** How many characters the longest piece at `start` has; 0 if there is none. */
	longest(codes: Int32Array, start: number): number {
		let node = ROOT;
		let found = 0;
		for (let place = start; place < codes.length; place++) {
			node = this.child(node, codes[place] as number);
			if (node < 0) break;
			if (this.value(node) >= 0) found = place + 1 - start;
		}
		return found;
	}

	#addChild(node: number, code: number): number {
		if (this.#used * 2 > this.#mask) this.#grow();
		if (this.#nodes === this.#values.length) {
			const values = new Int32Array(this.#nodes * 2).fill(-1);
			values.set(this.#values);
			this.#values = values;
		}
		this.#put(node, code, this.#nodes);
		if (node === ROOT && code < DIRECT) this.#first[code] = this.#nodes;
		this.#used++;
		return this.#nodes++;
	}

	#put(node: number, code: number, child: number): void {
		let slot = slotOf(node, code) & this.#mask;
		while (this.#table[slot * 3] !== 0) slot = (slot + 1) & this.#mask;
		this.#table[slot * 3] = node + 1;
		this.#table[slot * 3 + 1] = code;
		this.#table[slot * 3 + 2] = child;
	}

	#grow(): void {
		const old = this.#table;
		this.#table = new Int32Array(old.length * 2);
		this.#mask = this.#mask * 2 + 1;
		for (let place = 0; place < old.length; place += 3) {
			if (old[place] !== 0) this.#put((old[place] as number) - 1, old[place + 1] as number, old[place + 2] as number);
		}
	}
}

function slotOf(node: number, code: number): number {
	const mixed = Math.imul(node, NODE_MULTIPLIER) ^ Math.imul(code, CODE_MULTIPLIER);
	return mixed ^ (mixed >>> 15);
}
