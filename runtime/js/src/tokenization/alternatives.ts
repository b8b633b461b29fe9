/** Contents that are looked for in a text. */

import { codePoints } from "./characters";

/** One of some contents that was found in a text, at `start` until `end`. */
export interface Match {
	readonly content: string;
	readonly start: number;
	readonly end: number;
}

interface One {
	readonly content: string;
	readonly codes: Int32Array;
}

/** Finds contents in a text from left to right; at each place, the first of the contents that is there is taken. */
export class Alternatives {
	private readonly byFirst = new Map<number, One[]>();

	constructor(contents: Iterable<string>) {
		for (const content of contents) {
			const codes = codePoints(content);
			const first = codes[0];
			if (first === undefined) continue;
			const others = this.byFirst.get(first);
			if (others === undefined) this.byFirst.set(first, [{ content, codes }]);
			else others.push({ content, codes });
		}
	}

	/** Every match in `codes`, none of which overlaps with another one. */
	findAll(codes: Int32Array): Match[] {
		const found: Match[] = [];
		for (let place = 0; place < codes.length; ) {
			const one = this.byFirst.get(codes[place] as number)?.find((other) => isAt(other.codes, codes, place));
			if (one === undefined) {
				place++;
				continue;
			}
			const end = place + one.codes.length;
			found.push({ content: one.content, start: place, end });
			place = end;
		}
		return found;
	}
}

function isAt(wanted: Int32Array, codes: Int32Array, place: number): boolean {
	if (wanted.length > codes.length - place) return false;
	for (let index = 0; index < wanted.length; index++) if (wanted[index] !== codes[place + index]) return false;
	return true;
}
