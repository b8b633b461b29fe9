import { UnsupportedError } from "../../errors";
import { type AlignedText, AlignedTextBuilder } from "../aligned-text";
import { isMark } from "../characters";
import { DoubleArrayTrie, utf8Size } from "../double-array-trie";
import type { TextNormalizer } from "../normalizer";

/** A sequence of characters is looked up as a whole only if it has fewer bytes than this. */
const LONGEST_SEQUENCE = 6;

/** Characters that marks do not join: control characters, and the ends of lines and paragraphs. */
const ALONE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** The standard alphabet of RFC 4648. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = Int8Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)));

/**
 * The normalization rules of SentencePiece, as a tokenizer.json holds and Hugging Face's `Precompiled` normalizer applies
 * them: a short sequence of a character and its marks is looked up first, and the rule of its shortest beginning replaces
 * all of it; after that, each character is looked up by itself. SentencePiece takes the longest rule at each place. The
 * twin of `fast/precompiled_charsmap.py`.
 */
export class PrecompiledCharsmap implements TextNormalizer {
	readonly #rules: DoubleArrayTrie;

	/** @throws UnsupportedError `encoded`, the rules in base64, is damaged */
	constructor(encoded: string) {
		const content = decodeBase64(encoded);
		if (content === null) throw new UnsupportedError("precompiled_charsmap is damaged (it is not in base64)");
		const rules = DoubleArrayTrie.of(content);
		if (rules === null) {
			throw new UnsupportedError("precompiled_charsmap is damaged: it does not hold a trie and its replacements");
		}
		this.#rules = rules;
	}

	/** `text` with every rule applied once. */
	normalize(text: AlignedText): AlignedText {
		const { codes, starts, ends } = text;
		const found = new AlignedTextBuilder(codes.length);
		function replace(begin: number, stop: number, replacement: Int32Array): void {
			const end = ends[stop - 1] as number;
			if (replacement.length === 0) found.extend(end); // what is dropped belongs to the character before it
			for (const code of replacement) found.add(code, starts[begin] as number, end);
		}
		let start = 0;
		while (start < codes.length) {
			const end = sequenceEnd(codes, start);
			const whole = end > start + 1 ? this.#replacement(codes, start, end) : null;
			if (whole !== null) {
				replace(start, end, whole);
			} else {
				for (let place = start; place < end; place++) {
					const one = this.#replacement(codes, place, place + 1);
					if (one !== null) replace(place, place + 1, one);
					else found.add(codes[place] as number, starts[place] as number, ends[place] as number);
				}
			}
			start = end;
		}
		return found.build();
	}

	#replacement(codes: Int32Array, start: number, end: number): Int32Array | null {
		const value = this.#rules.shortest(codes, start, end);
		return value < 0 ? null : this.#rules.replacement(value);
	}
}

/** The end of the sequence at `start` if it is short enough to be looked up: a character and its marks. */
function sequenceEnd(codes: Int32Array, start: number): number {
	const next = codes[start + 1];
	if (next === undefined) return start + 1;
	if (codes[start] === 0xd && next === 0xa) return start + 2;
	if (!joins(next) || ALONE.test(String.fromCodePoint(codes[start] as number))) return start + 1;
	let end = start + 1;
	let bytes = utf8Size(codes[start] as number);
	while (end < codes.length && joins(codes[end] as number)) bytes += utf8Size(codes[end++] as number);
	return bytes >= LONGEST_SEQUENCE ? start + 1 : end;
}

/** Whether a character forms one sequence with the one before it (approximates Unicode's grapheme clusters). */
function joins(code: number): boolean {
	return code >= 0x300 && (isMark(code) || code === 0x200c || code === 0x200d);
}

/** The bytes that `text` stands for in base64; null if it is damaged. */
export function decodeBase64(text: string): Uint8Array | null {
	let length = text.length;
	while (length > 0 && text[length - 1] === "=") length--;
	if (text.length % 4 !== 0 || text.length - length > 2) return null;
	const found = new Uint8Array(Math.floor((length * 6) / 8));
	let bits = 0;
	let held = 0;
	let size = 0;
	for (let place = 0; place < length; place++) {
		const value = VALUES[text.charCodeAt(place)] ?? -1;
		if (value < 0) return null;
		bits = ((bits << 6) | value) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			found[size++] = bits >>> held;
		}
	}
	return found;
}
