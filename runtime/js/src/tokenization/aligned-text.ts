/** A text during normalization, with the span of the original text that each character came from. */

import {
	codePoints,
	isCapitalSigma,
	isSpace,
	lowerCase,
	lowerSigma,
	type NormalizationForm,
	normalized,
	REPLACEMENT,
	textOf,
} from "./characters";
import { isCombining } from "./unicode-ranges";

/** What becomes of a character: null if it stays as it is, or any number of characters. */
export type CharacterChange = (code: number) => Int32Array | null;

const GROWTH = 16;
const SPACE = 0x20;

/** Characters below are no combining ones, are in NFC, and are never composed with one before them. */
const FIRST_COMBINING = 0x300;

/**
 * A text during normalization, with the span of the original text that each character came from.
 *
 * Normalization drops characters, turns one into several and several into one. Every step returns a new text, so that each
 * token can be traced back to what the user typed. The twin of `aligned_text.py`: characters are code points; spans count
 * UTF-16 units of the original text. They never decrease; those of neighbours may overlap (the two letters of a ligature)
 * and may leave gaps (dropped white space).
 */
export class AlignedText {
	private whole: string | undefined;

	/**
	 * @param codes the characters
	 * @param starts where each of them begins in the original text
	 * @param ends where it ends
	 */
	constructor(
		readonly codes: Int32Array,
		readonly starts: Int32Array,
		readonly ends: Int32Array,
	) {}

	/** `text` before any normalization, aligned with itself; lone surrogates, which UTF-8 can't encode, are U+FFFD. */
	static of(text: string): AlignedText {
		const units = text.length;
		const codes = new Int32Array(units);
		const starts = new Int32Array(units);
		const ends = new Int32Array(units);
		let size = 0;
		for (let place = 0; place < units; ) {
			let code = text.charCodeAt(place);
			let end = place + 1;
			if (code >= 0xd800 && code <= 0xdfff) {
				const pair = text.codePointAt(place) as number;
				if (pair > 0xffff) end++;
				code = pair > 0xffff ? pair : REPLACEMENT;
			}
			codes[size] = code;
			starts[size] = place;
			ends[size++] = end;
			place = end;
		}
		if (size === units) return new AlignedText(codes, starts, ends);
		return new AlignedText(codes.slice(0, size), starts.slice(0, size), ends.slice(0, size));
	}

	/** One text of several parts of the same original text, in their order. */
	static joined(parts: readonly AlignedText[]): AlignedText {
		let size = 0;
		for (const part of parts) size += part.size;
		const found = new AlignedTextBuilder(size);
		for (const part of parts) found.copy(part, 0, part.size);
		return found.build();
	}

	/** The characters as a string. */
	get text(): string {
		if (this.whole === undefined) this.whole = textOf(this.codes);
		return this.whole;
	}

	/** The number of characters. */
	get size(): number {
		return this.codes.length;
	}

	/** The characters `start` until `stop`. */
	part(start: number, stop: number): AlignedText {
		if (start === 0 && stop === this.size) return this;
		// The arrays never change, so that parts may share them.
		return new AlignedText(
			this.codes.subarray(start, stop),
			this.starts.subarray(start, stop),
			this.ends.subarray(start, stop),
		);
	}

	/** The text without the white space at its beginning. */
	stripStart(): AlignedText {
		let start = 0;
		while (start < this.size && isSpace(this.codes[start] as number)) start++;
		return this.part(start, this.size);
	}

	/** The text without the white space at its end. */
	stripEnd(): AlignedText {
		let stop = this.size;
		while (stop > 0 && isSpace(this.codes[stop - 1] as number)) stop--;
		return this.part(0, stop);
	}

	/** The text with one space in place of every run of white space, and without white space at either end. */
	squeezeSpaces(): AlignedText {
		const { codes, starts, ends } = this;
		const found = new AlignedTextBuilder(codes.length);
		let followsSpace = true;
		for (let place = 0; place < codes.length; place++) {
			const code = codes[place] as number;
			const space = isSpace(code);
			if (!(space && followsSpace)) found.add(space ? SPACE : code, starts[place] as number, ends[place] as number);
			followsSpace = space;
		}
		return found.build(found.size > 0 && followsSpace ? found.size - 1 : found.size);
	}

	/** The text with `merged` in place of each two `character`s that follow each other. */
	mergePairs(character: number, merged: number): AlignedText {
		const { codes, starts, ends } = this;
		const isPair = (place: number): boolean => codes[place] === character && codes[place + 1] === character;
		let first = codes.indexOf(character);
		while (first >= 0 && !isPair(first)) first = codes.indexOf(character, first + 1);
		if (first < 0) return this;
		const found = new AlignedTextBuilder(codes.length);
		found.copy(this, 0, first);
		for (let place = first; place < codes.length; ) {
			const stop = isPair(place) ? place + 2 : place + 1;
			const code = stop === place + 2 ? merged : (codes[place] as number);
			found.add(code, starts[place] as number, ends[stop - 1] as number);
			place = stop;
		}
		return found.build();
	}

	/**
	 * The text with every character replaced by what `change` gives: null for itself, or any number of characters.
	 *
	 * The span of a character that is dropped is added to the character before it: the accent of "e" + U+0301 belongs to
	 * the span of the "e", so that the span of a word includes its accents.
	 */
	mapCharacters(change: CharacterChange): AlignedText {
		const { codes, starts, ends } = this;
		let found: AlignedTextBuilder | null = null;
		for (let place = 0; place < codes.length; place++) {
			const code = codes[place] as number;
			const changed = change(code);
			if (found === null) {
				if (changed === null) continue;
				found = new AlignedTextBuilder(codes.length + GROWTH);
				found.copy(this, 0, place);
			}
			const start = starts[place] as number;
			const end = ends[place] as number;
			if (changed === null) found.add(code, start, end);
			else if (changed.length === 0) found.extend(end);
			else for (let index = 0; index < changed.length; index++) found.add(changed[index] as number, start, end);
		}
		return found === null ? this : found.build();
	}

	/** The text in lower case, as Python's `str.lower` gives it; the form of a sigma depends on the letters around it. */
	lower(): AlignedText {
		const sigmas: number[] = [];
		for (let place = 0; place < this.size; place++) {
			if (isCapitalSigma(this.codes[place] as number)) sigmas.push(lowerSigma(this.codes, place));
		}
		if (sigmas.length === 0) return this.mapCharacters(lowerCase);
		let next = 0;
		return this.mapCharacters((code) =>
			isCapitalSigma(code) ? Int32Array.of(sigmas[next++] as number) : lowerCase(code),
		);
	}

	/** The text with `content` in place of each match of `pattern`, a global one, whose span all its characters have. */
	replaced(pattern: RegExp, content: Int32Array): AlignedText {
		const { codes, starts, ends } = this;
		const found = new AlignedTextBuilder(codes.length);
		let end = 0;
		let unit = 0;
		let place = 0;
		const placeOf = (wanted: number): number => {
			while (unit < wanted) unit += (codes[place++] as number) > 0xffff ? 2 : 1;
			return place;
		};
		for (const match of this.text.matchAll(pattern)) {
			const start = placeOf(match.index);
			const stop = placeOf(match.index + match[0].length);
			if (start === stop) continue;
			found.copy(this, end, start);
			for (const code of content) found.add(code, starts[start] as number, ends[stop - 1] as number);
			end = stop;
		}
		if (end === 0) return this;
		found.copy(this, end, codes.length);
		return found.build();
	}

	/** The text, which is not empty, behind the character `prefix`, which stands for nothing. */
	prefixed(prefix: number): AlignedText {
		const start = this.starts[0] as number;
		return new AlignedText(behind(prefix, this.codes), behind(start, this.starts), behind(start, this.ends));
	}

	/** The text in one of Unicode's normalization forms. */
	normalized(form: NormalizationForm): AlignedText {
		if (form === "NFC") return this.compose();
		if (form === "NFKC") return this.normalized("NFKD").compose();
		return this.decompose(form);
	}

	private decompose(form: NormalizationForm): AlignedText {
		const mapped = this.mapCharacters((code) => (code < 0x80 ? null : normalized(code, form)));
		if (mapped.codes.every((code) => code < FIRST_COMBINING)) return mapped;
		const text = this.text.normalize(form);
		if (mapped.text === text) return mapped;
		// The marks behind a character are in another order now. They have one span together.
		const whole = codePoints(text);
		const begins = mapped.starts.slice();
		const stops = mapped.ends.slice();
		for (let place = 0; place < whole.length; ) {
			let stop = place;
			while (stop < whole.length && isCombining(whole[stop] as number)) stop++;
			if (stop === place) {
				place++;
				continue;
			}
			begins.fill(begins[place] as number, place, stop);
			stops.fill(stops[stop - 1] as number, place, stop);
			place = stop;
		}
		return new AlignedText(whole, begins, stops);
	}

	/**
	 * The text in Unicode's normalization form C. All characters that one sequence becomes, such as a letter with its
	 * accents or the jamo of a syllable, have the span of the whole sequence.
	 */
	compose(): AlignedText {
		const { codes, starts, ends } = this;
		if (codes.every((code) => code < FIRST_COMBINING) || this.text.normalize("NFC") === this.text) return this;
		const found = new AlignedTextBuilder(codes.length);
		for (let start = 0; start < codes.length; ) {
			const stop = this.sequenceEnd(start);
			if (stop === start + 1 && (codes[start] as number) < FIRST_COMBINING) {
				found.copy(this, start, stop);
				start = stop;
				continue;
			}
			const sequence = textOf(codes, start, stop);
			const composed = sequence.normalize("NFC");
			if (composed === sequence) found.copy(this, start, stop);
			else {
				const first = starts[start] as number;
				const last = ends[stop - 1] as number;
				for (const code of codePoints(composed)) found.add(code, first, last);
			}
			start = stop;
		}
		return found.build();
	}

	/** The end of the sequence at `start`, which normalization changes independently of the others. */
	private sequenceEnd(start: number): number {
		const { codes } = this;
		for (let place = start + 1; place < codes.length; place++) {
			const code = codes[place] as number;
			if (code < FIRST_COMBINING) return place;
			if (isCombining((normalized(code, "NFD") ?? codes.subarray(place, place + 1))[0] as number)) continue;
			// A vowel jamo, or one of the vowel signs of India, is no combining character, and is composed like one.
			if (this.composed(start, place + 1) === this.composed(start, place) + this.composed(place, place + 1))
				return place;
		}
		return codes.length;
	}

	private composed(start: number, stop: number): string {
		return textOf(this.codes, start, stop).normalize("NFC");
	}
}

/** The characters of a text under construction, and their spans. */
export class AlignedTextBuilder {
	/** The number of characters so far. */
	size = 0;
	private codes: Int32Array;
	private starts: Int32Array;
	private ends: Int32Array;

	constructor(capacity: number) {
		this.codes = new Int32Array(capacity);
		this.starts = new Int32Array(capacity);
		this.ends = new Int32Array(capacity);
	}

	/** Append one character. */
	add(code: number, start: number, end: number): void {
		if (this.size === this.codes.length) this.grow(this.size + 1);
		this.codes[this.size] = code;
		this.starts[this.size] = start;
		this.ends[this.size++] = end;
	}

	/** Append the characters `first` until `last` of `text`. */
	copy(text: AlignedText, first: number, last: number): void {
		const size = this.size + last - first;
		if (size > this.codes.length) this.grow(size);
		for (let place = first; place < last; place++) {
			this.codes[this.size] = text.codes[place] as number;
			this.starts[this.size] = text.starts[place] as number;
			this.ends[this.size++] = text.ends[place] as number;
		}
	}

	/** The last character, if any, ends at `end` or behind it. */
	extend(end: number): void {
		if (this.size > 0 && (this.ends[this.size - 1] as number) < end) this.ends[this.size - 1] = end;
	}

	/** The first `count` characters. No more characters can be appended then. */
	build(count: number = this.size): AlignedText {
		return new AlignedText(this.codes.subarray(0, count), this.starts.subarray(0, count), this.ends.subarray(0, count));
	}

	private grow(least: number): void {
		const capacity = Math.max(least, this.codes.length * 2) + GROWTH;
		this.codes = grown(this.codes, capacity);
		this.starts = grown(this.starts, capacity);
		this.ends = grown(this.ends, capacity);
	}
}

function grown(values: Int32Array, capacity: number): Int32Array {
	const found = new Int32Array(capacity);
	found.set(values);
	return found;
}

function behind(first: number, values: Int32Array): Int32Array {
	const found = new Int32Array(values.length + 1);
	found[0] = first;
	found.set(values, 1);
	return found;
}
