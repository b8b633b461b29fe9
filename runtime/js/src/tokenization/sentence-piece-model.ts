import { UnsupportedError } from "../errors";
import type { AlignedText } from "./aligned-text";
import { codePoints } from "./characters";
import { type Piece, type PieceModel, spelling, startsWord, WORD_START } from "./piece-model";
import { DamagedModelError } from "./sentence-piece-file";
import { byteOf, SentencePieceProcessor } from "./sentence-piece-processor";
import type { TokenizerFile } from "./tokenizer-file";
import { isDigit } from "./unicode-ranges";

const MARK = WORD_START.charCodeAt(0);
const COMMA = 0x2c;

/** The kinds of models whose pieces can be found. */
const SUPPORTED: readonly string[] = ["unigram", "bpe"];

/**
 * The vocabulary of a tokenizer, which splits a text into pieces with their spans: a loaded `spiece.model`. The twin of
 * `sentencepiece_model.py`.
 */
export class SentencePieceModel implements PieceModel {
	readonly maskTakesSpace = true;
	readonly startsWord = startsWord;
	readonly spelling = spelling;
	readonly #processor: SentencePieceProcessor;
	readonly #splitsCommas: boolean;
	/** Whether each character vanishes in normalization, as far as that was asked. */
	readonly #vanishes = new Map<number, boolean>();

	/**
	 * Load `file`.
	 *
	 * @param splitsCommas split pieces like "1999," before their comma, as ALBERT's tokenizers do
	 * @throws UnsupportedError the file is missing or is not a SentencePiece model
	 */
	constructor(file: TokenizerFile, splitsCommas: boolean) {
		this.#processor = load(file);
		this.#splitsCommas = splitsCommas;
	}

	get size(): number {
		return this.#processor.size;
	}

	idOf(piece: string): number {
		return this.#processor.idOf(piece);
	}

	pieceOf(id: number): string {
		return this.#processor.pieceOf(id);
	}

	holds(piece: string): boolean {
		return this.pieceOf(this.idOf(piece)) === piece;
	}

	join(pieces: readonly string[]): string {
		return pieces.length === 0 ? "" : this.#processor.decode(pieces);
	}

	/** The pieces of `text`; one like "1999," may be split before its comma (a rule of Google's tokenization.py). */
	split(text: AlignedText): Piece[] {
		const normalized = this.#processor.normalize(text.codes);
		const pieces = this.#processor.encode(normalized.codes);
		if (pieces.length === 0) return [];
		const spellsBytes = this.#processor.byteFallback;
		const spans = this.#characterSpans(text, normalized.origins);
		const found: Piece[] = [];
		let position = 0; // in SentencePiece's own normalized text, which is the pieces joined together
		let waiting = 0; // the bytes that the current character still lacks
		for (const whole of pieces) {
			const byte = spellsBytes ? byteOf(whole) : -1;
			if (byte >= 0) {
				waiting = (waiting === 0 ? bytesOfCharacter(byte) : waiting) - 1;
				// Each byte stands for the whole character.
				found.push({ piece: whole, start: spans.starts[position] as number, end: spans.ends[position] as number });
				if (waiting === 0) position++;
				continue;
			}
			if (!(this.#splitsCommas && endsInDigitAndComma(whole))) {
				position = add(found, whole, whole, spans, position);
				continue;
			}
			const parts = this.#withoutComma(whole);
			// If splitting changed the characters, each part stands for the whole piece.
			if (parts.join("") === whole) {
				for (const part of parts) position = add(found, part, part, spans, position);
			} else {
				for (const part of parts) add(found, part, whole, spans, position);
				position += characters(whole);
			}
		}
		return found;
	}

	/** A piece like "1999," as the pieces of "1999" and the comma. */
	#withoutComma(piece: string): string[] {
		const digits = codePoints(piece.slice(0, -1).replaceAll(WORD_START, ""));
		const parts = this.#processor.encode(this.#processor.normalize(digits).codes);
		const [first = ""] = parts;
		// Encoded alone, the digits get the mark of a word's start, which they must not have inside a word.
		if (!piece.startsWith(WORD_START) && first.startsWith(WORD_START)) {
			if (first.length > 1) parts[0] = first.slice(1);
			else parts.shift();
		}
		parts.push(piece.slice(-1));
		return parts;
	}

	/** Start and end in the original text of each character of SentencePiece's own normalized text. */
	#characterSpans(text: AlignedText, origins: Int32Array): Spans {
		const size = origins.length - 1;
		const behind = text.ends[text.size - 1] as number;
		const starts = new Int32Array(size + 1);
		for (let place = 0; place <= size; place++) starts[place] = text.starts[origins[place] as number] ?? behind;
		const ends = new Int32Array(size);
		let end = origins[size] as number;
		for (let place = size - 1; place >= 0; place--) {
			const origin = origins[place] as number;
			const next = origins[place + 1] as number;
			// All characters that came from one character begin where it begins, and it ends where the next one begins.
			if (next > origin) end = next;
			let last = end;
			// Dropped characters and squeezed spaces do not belong to the character before them.
			while (last - origin > 1 && this.#vanishesAlone(text.codes[last - 1] as number)) last--;
			ends[place] = text.ends[Math.max(last, 1) - 1] as number;
		}
		return { starts, ends };
	}

	#vanishesAlone(code: number): boolean {
		let found = this.#vanishes.get(code);
		if (found === undefined) {
			found = this.#processor.normalize(Int32Array.of(code)).codes.length === 0;
			this.#vanishes.set(code, found);
		}
		return found;
	}
}

/** The spans of characters. `starts` has one more entry, the position after the last character. */
interface Spans {
	readonly starts: Int32Array;
	readonly ends: Int32Array;
}

/** Append `part`, which stands for the characters of `spelled` at `position`; returns the position behind them. */
function add(found: Piece[], part: string, spelled: string, spans: Spans, position: number): number {
	const behind = position + characters(spelled);
	let first = position;
	let last = behind - 1;
	for (let index = 0; spelled.charCodeAt(index) === MARK; index++) first++;
	for (let index = spelled.length - 1; spelled.charCodeAt(index) === MARK; index--) last--;
	const start = spans.starts[first] as number;
	// A piece that is only a space stands for no character, unless one character became several words.
	const end = last >= first ? (spans.ends[last] as number) : Math.max(start, found[found.length - 1]?.end ?? 0);
	found.push({ piece: part, start, end });
	return behind;
}

function load(file: TokenizerFile): SentencePieceProcessor {
	const content = file.read(
		(reason) =>
			`the SentencePiece model ${file} can't be read (${reason}); ` +
			"an ALBERT checkpoint keeps its vocabulary in a file of that kind, usually spiece.model",
	);
	const processor = processorOf(content);
	if (processor === null) {
		throw new UnsupportedError(
			file.failedDownload() ??
				`${file} (${content.length} bytes) is not a SentencePiece model, or is damaged; copy spiece.model from the ` +
					"checkpoint again",
		);
	}
	if (!SUPPORTED.includes(processor.modelType)) {
		throw new UnsupportedError(
			`${file} is a SentencePiece model of the kind ${processor.modelType}; only unigram and bpe are supported`,
		);
	}
	return processor;
}

function processorOf(content: Uint8Array): SentencePieceProcessor | null {
	try {
		return content.length === 0 ? null : new SentencePieceProcessor(content);
	} catch (error) {
		if (error instanceof DamagedModelError) return null;
		throw error;
	}
}

/** Whether `piece` ends in a comma after a digit, so that it is split before the comma. */
export function endsInDigitAndComma(piece: string): boolean {
	const size = piece.length;
	if (size < 2 || piece.charCodeAt(size - 1) !== COMMA) return false;
	const unit = piece.charCodeAt(size - 2);
	const isLowSurrogate = unit >= 0xdc00 && unit < 0xe000;
	return isDigit(isLowSurrogate && size > 2 ? (piece.codePointAt(size - 3) as number) : unit);
}

/** The number of characters of `text`, in which surrogates come in pairs. */
function characters(text: string): number {
	let size = text.length;
	for (let index = 0; index < text.length; index++) {
		if ((text.charCodeAt(index) & 0xfc00) === 0xdc00) size--;
	}
	return size;
}

/** The number of bytes of a character in UTF-8, by its first byte. */
function bytesOfCharacter(first: number): number {
	if (first < 0x80) return 1;
	if (first < 0xe0) return 2;
	return first < 0xf0 ? 3 : 4;
}
