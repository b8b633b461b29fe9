/** Finds tokens in a text as the trie of Hugging Face's slow tokenizers does. */

import { codePoints } from "./characters";

class Node {
	readonly next = new Map<number, Node>();
	isEnd = false;
}

interface Taken {
	readonly start: number;
	readonly end: number;
	readonly resume: number;
}

/** Finds tokens in a text as the trie of Hugging Face's slow tokenizers does. It never changes after construction. */
export class TokenTrie {
	private readonly root = new Node();

	constructor(tokens: Iterable<string>) {
		for (const token of tokens) {
			let node = this.root;
			for (const code of codePoints(token)) {
				let next = node.next.get(code);
				if (next === undefined) {
					next = new Node();
					node.next.set(code, next);
				}
				node = next;
			}
			node.isEnd = true;
		}
	}

	/** Whether a token of the trie may begin within one of `tokens`, so that both lay claim to the same text. */
	overlaps(tokens: Iterable<string>): boolean {
		for (const token of tokens) {
			const codes = codePoints(token);
			for (let start = 1; start < codes.length; start++) if (this.beginsIn(codes, start)) return true;
		}
		return false;
	}

	private beginsIn(codes: Int32Array, start: number): boolean {
		let node = this.root;
		for (let place = start; place < codes.length; place++) {
			const next = node.next.get(codes[place] as number);
			if (next === undefined) return false;
			if (next.isEnd) return true;
			node = next;
		}
		return true;
	}

	/**
	 * The positions at which a text is cut, in order: before and after each token that is found.
	 *
	 * The text is read once from left to right. The token that ends first is found, unless a longer one begins at the same
	 * place or before it. This is `Trie.split` of transformers 4.57 (tokenization_utils.py), with what it does if tokens
	 * overlap: the node of an earlier candidate is followed from the character behind the current one, even if the current
	 * one has just ruled the candidate out. The text between two cuts need not be a token, therefore.
	 */
	cuts(text: Int32Array): number[] {
		let candidates = new Map<number, Node>(); // the start of each token that may be under way -> its node
		const cuts: number[] = [];
		let resume = 0;
		for (let position = 0; position < text.length; position++) {
			if (position < resume) continue;
			const code = text[position] as number;
			const begun = this.root.next.get(code);
			if (candidates.size === 0 && begun === undefined) continue;
			let found = -1;
			let following = new Map<number, Node>();
			for (const [start, node] of candidates) {
				if (node.isEnd) {
					found = start;
					break;
				}
				const next = node.next.get(code);
				if (next !== undefined) following.set(start, next);
			}
			if (found >= 0) {
				const taken = longest(text, position, found, new Map([...candidates, ...following]), resume);
				cuts.push(taken.start, taken.end);
				resume = taken.resume;
				following = new Map();
			}
			if (position >= resume && begun !== undefined) following.set(position, begun);
			candidates = following;
		}
		for (const [start, node] of candidates) {
			if (!node.isEnd) continue;
			cuts.push(start, text.length);
			break;
		}
		return cuts;
	}
}

/**
 * The token to take, and where to read on: the longest token of the earliest candidate.
 *
 * @param found the start of the token that ends before `position`
 * @param candidates start -> node; the nodes of the candidates before `found` include the character at `position`
 * @param resumed where to read on if nothing else is found
 */
function longest(
	text: Int32Array,
	position: number,
	found: number,
	candidates: ReadonlyMap<number, Node>,
	resumed: number,
): Taken {
	let start = found;
	let end = position;
	let resume = resumed;
	for (const [candidate, first] of candidates) {
		if (candidate > start) break;
		// `start` may have moved to an earlier candidate, which does not matter: later ones end the loop.
		let node: Node | undefined = first;
		let ahead = candidate < start ? position + 1 : position;
		end = ahead;
		for (;;) {
			if (node.isEnd) {
				start = candidate;
				end = ahead;
				resume = ahead;
			}
			if (ahead >= text.length) break;
			node = node.next.get(text[ahead] as number);
			if (node === undefined) break;
			ahead++;
		}
	}
	return { start, end, resume };
}
