import { codePoints } from "./characters";

/** The highest bit marks a value; the lowest byte is the label of a unit. */
const LABEL = 0x800000ff | 0;

const UTF_8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The rules of a "precompiled charsmap": sequences of characters and what replaces them.
 *
 * The format is that of google/sentencepiece (normalizer.cc, `Normalizer::DecodePrecompiledCharsMap`): the size of a trie
 * in bytes, the trie, and the replacements in UTF-8, each ended by a zero byte. The trie is a double array in the form of
 * Darts (darts.h): an array of 32-bit units.
 */
export class DoubleArrayTrie {
	readonly #units: Int32Array;
	readonly #replacements: Uint8Array;
	/** The replacements that were read already. */
	readonly #known = new Map<number, Int32Array | null>();
	/** How many characters the rule that `longest` found takes. */
	characters = 0;

	private constructor(units: Int32Array, replacements: Uint8Array) {
		this.#units = units;
		this.#replacements = replacements;
	}

	/** The rules in `content`; null if they are damaged. */
	static of(content: Uint8Array): DoubleArrayTrie | null {
		if (content.length <= 4) return null;
		const view = new DataView(content.buffer, content.byteOffset, content.length);
		const size = view.getInt32(0, true);
		if (size <= 0 || size % 4 !== 0 || size >= content.length - 4) return null;
		if (content[content.length - 1] !== 0) return null;
		const units = new Int32Array(size / 4);
		for (let index = 0; index < units.length; index++) units[index] = view.getInt32(4 + 4 * index, true);
		return new DoubleArrayTrie(units, content.slice(4 + size));
	}

	/** The value of the longest rule for the characters from `start` on, and -1 for none; sets `characters`. */
	longest(codes: Int32Array, start: number): number {
		const units = this.#units;
		let position = offset(units[0] as number);
		let value = -1;
		this.characters = 0;
		for (let place = start; place < codes.length; place++) {
			const code = codes[place] as number;
			const bytes = utf8Size(code);
			for (let number = 0; number < bytes; number++) {
				const byte = bytes === 1 ? code : utf8Byte(code, number, bytes);
				position ^= byte;
				// What is outside of the array is undefined, and has no label.
				const unit = units[position] as number;
				if (position < 0 || position >= units.length || (unit & LABEL) !== byte) return value;
				if (number === bytes - 1 && ((unit >>> 8) & 1) === 1) {
					value = this.#valueAt(position);
					this.characters = place + 1 - start;
				}
				position ^= offset(unit);
			}
		}
		return value;
	}

	/** The value of the shortest beginning of `codes` that has one, up to a zero byte; -1 for none. */
	shortest(codes: Int32Array, start: number, end: number): number {
		const units = this.#units;
		let position = offset(units[0] as number);
		for (let place = start; place < end; place++) {
			const code = codes[place] as number;
			const bytes = utf8Size(code);
			for (let number = 0; number < bytes; number++) {
				const byte = utf8Byte(code, number, bytes);
				position ^= byte;
				if (byte === 0 || position < 0 || position >= units.length) return -1;
				const unit = units[position] as number;
				if ((unit & LABEL) !== byte) return -1;
				if (((unit >>> 8) & 1) === 1) return this.#valueAt(position);
				position ^= offset(unit);
			}
		}
		return -1;
	}

	/** The characters of the replacement with the given value; null if there is no such replacement. */
	replacement(value: number): Int32Array | null {
		let found = this.#known.get(value);
		if (found === undefined) {
			found = this.#read(value);
			this.#known.set(value, found);
		}
		return found;
	}

	#read(value: number): Int32Array | null {
		if (value < 0 || value >= this.#replacements.length) return null;
		const end = this.#replacements.indexOf(0, value);
		return end < 0 ? null : codePoints(UTF_8.decode(this.#replacements.subarray(value, end)));
	}

	#valueAt(position: number): number {
		const place = position ^ offset(this.#units[position] as number);
		return place >= 0 && place < this.#units.length ? (this.#units[place] as number) & 0x7fffffff : -1;
	}
}

/** Where the units of the following bytes begin, relative to the position of `unit`. */
function offset(unit: number): number {
	return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
}

/** The number of bytes of a character in UTF-8. */
export function utf8Size(code: number): number {
	return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/** One of the `size` bytes of a character in UTF-8. */
export function utf8Byte(code: number, number: number, size: number): number {
	const bits = code >>> (6 * (size - 1 - number));
	if (number > 0) return 0x80 | (bits & 0x3f);
	return size === 1 ? bits : bits | ((0xf00 >>> size) & 0xff);
}
