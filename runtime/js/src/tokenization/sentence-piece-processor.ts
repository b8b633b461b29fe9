import { BpeEncoder } from "./bpe-encoder";
import { codePoints, REPLACEMENT, textOf } from "./characters";
import { DoubleArrayTrie, utf8Byte, utf8Size } from "./double-array-trie";
import { WORD_START } from "./piece-model";
import { PieceTrie } from "./piece-trie";
import {
	DamagedModelError,
	MODEL_TYPES,
	type NormalizerSpec,
	PieceType,
	SentencePieceFile,
} from "./sentence-piece-file";
import { type NormalizedText, SentencePieceNormalizer } from "./sentence-piece-normalizer";
import { type TakePiece, UnigramEncoder } from "./unigram-encoder";

const BYTES = 256;
const BYTE_PIECE = /^<0x([0-9A-F]{2})>$/;
const PIECE_OF_BYTE = Array.from(
	{ length: BYTES },
	(_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
);

/** The largest number of 32 bits (FLT_MAX). */
const LARGEST_SCORE = 3.4028234663852886e38;

const UTF_8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/**
 * What the `sentencepiece` library does with a model of the kind "unigram" or "bpe": normalization, pieces, and decoding.
 */
export class SentencePieceProcessor {
	readonly #file: SentencePieceFile;
	readonly #ids = new Map<string, number>();
	readonly #unknownId: number;
	readonly #normalizer: SentencePieceNormalizer;
	readonly #denormalizer: SentencePieceNormalizer | null;
	/** Null for a model of another kind, which can't encode. */
	readonly #encoder: UnigramEncoder | BpeEncoder | null;

	/** @throws DamagedModelError `content`, the bytes of a spiece.model, is no model, or a damaged one */
	constructor(content: Uint8Array) {
		const file = new SentencePieceFile(content);
		this.#file = file;
		const { pieces, types } = file;
		check(!pieces.includes(""), "a piece is empty");
		const unknown = types.indexOf(PieceType.UNKNOWN);
		check(unknown >= 0 && types.indexOf(PieceType.UNKNOWN, unknown + 1) < 0, "there must be one unknown piece");
		this.#unknownId = unknown;
		const ordinary = new Map<string, number>();
		const reserved = new Map<string, number>();
		let bytes = 0;
		let lowest = LARGEST_SCORE;
		for (let id = 0; id < pieces.length; id++) {
			const piece = pieces[id] as string;
			const type = types[id] as number;
			const target = isOrdinary(type) ? ordinary : reserved;
			check(!target.has(piece), "a piece is there twice");
			target.set(piece, id);
			if (type === PieceType.NORMAL) lowest = Math.min(lowest, file.scores[id] as number);
			if (type !== PieceType.BYTE) continue;
			check(byteOf(piece) >= 0, "bytes are missing");
			bytes++;
		}
		check(bytes === (file.byteFallback ? BYTES : 0), "bytes are missing");
		for (const [piece, id] of ordinary) this.#ids.set(piece, id);
		for (const [piece, id] of reserved) this.#ids.set(piece, id);
		const user = [...ordinary].filter(([, id]) => types[id] === PieceType.USER_DEFINED);
		const userDefined = user.length === 0 ? null : new PieceTrie(user);
		this.#normalizer = normalizerOf(file.normalizer, userDefined, file.spacesAreSuffixes);
		this.#denormalizer = file.denormalizer.charsmap.length === 0 ? null : normalizerOf(file.denormalizer, null, false);
		const scores = Float32Array.from(file.scores);
		const ofType = (type: number) => Uint8Array.from(types, (one) => (one === type ? 1 : 0));
		if (this.modelType === "unigram") {
			const used = [...ordinary].filter(([, id]) => types[id] !== PieceType.UNUSED);
			this.#encoder = new UnigramEncoder(used, scores, ofType(PieceType.USER_DEFINED), lowest, unknown);
		} else if (this.modelType === "bpe") {
			this.#encoder = new BpeEncoder(ordinary, userDefined, scores, ofType(PieceType.UNUSED), unknown);
		} else {
			this.#encoder = null;
		}
	}

	/** Whether characters that the vocabulary lacks are spelled in bytes: "<0xE2>". */
	get byteFallback(): boolean {
		return this.#file.byteFallback;
	}

	/** The kind of the model, such as "unigram". */
	get modelType(): string {
		return MODEL_TYPES[this.#file.modelType] ?? "?";
	}

	/** The number of pieces. */
	get size(): number {
		return this.#file.pieces.length;
	}

	/** The id of `piece`, or that of the unknown piece. */
	idOf(piece: string): number {
		return this.#ids.get(piece) ?? this.#unknownId;
	}

	/** The piece of an id from 0 to `size` - 1. */
	pieceOf(id: number): string {
		return this.#file.pieces[id] as string;
	}

	/** `codes` as the model expects them. */
	normalize(codes: Int32Array): NormalizedText {
		return this.#normalizer.normalize(codes);
	}

	/**
	 * The pieces of a normalized text. Neighbouring unknown characters are one piece, or, if the model falls back to bytes, a
	 * piece for each byte.
	 */
	encode(codes: Int32Array): string[] {
		const found: string[] = [];
		const pieces = this.#file.pieces;
		const unknownId = this.#unknownId;
		let unknownStart = -1;
		let unknownEnd = -1;
		const addUnknown = () => {
			if (this.byteFallback) addBytes(codes, unknownStart, unknownEnd, found);
			else found.push(textOf(codes, unknownStart, unknownEnd));
			unknownEnd = -1;
		};
		const take: TakePiece = (id, start, end) => {
			if (id === unknownId) {
				if (unknownEnd < 0) unknownEnd = end;
				unknownStart = start;
				return;
			}
			if (unknownEnd >= 0) addUnknown();
			found.push(pieces[id] as string);
		};
		this.#encoder?.encode(codes, take);
		if (unknownEnd >= 0) addUnknown();
		return found.reverse();
	}

	/** The text that `pieces` spell (`SentencePieceProcessor::Decode` of the library). */
	decode(pieces: readonly string[]): string {
		const file = this.#file;
		const { normalizer } = file;
		let text = "";
		let bytes: number[] = [];
		let atStart = true;
		let seen = false;
		for (const piece of pieces) {
			const id = this.idOf(piece);
			const type = file.types[id];
			if (type === PieceType.BYTE) {
				bytes.push(byteOf(piece));
				continue;
			}
			text += decodedBytes(bytes);
			bytes = [];
			if (seen || text !== "") atStart = false;
			seen = false;
			if (type === PieceType.CONTROL) continue;
			if (id === this.#unknownId) {
				text += file.pieces[id] === piece ? file.unknownSurface : piece;
				continue;
			}
			let spelled = piece;
			if (atStart && (normalizer.addDummyPrefix || normalizer.removeExtraWhitespaces) && piece.startsWith(WORD_START)) {
				spelled = piece.slice(1);
				seen = !normalizer.removeExtraWhitespaces;
			}
			text += spelled.replaceAll(WORD_START, " ");
		}
		text += decodedBytes(bytes);
		return this.#denormalizer === null ? text : textOf(this.#denormalizer.normalize(codePoints(text)).codes);
	}
}

/** The piece that stands for one byte. */
export function pieceOfByte(byte: number): string {
	return PIECE_OF_BYTE[byte] as string;
}

/** The byte that `piece` stands for; -1 if it stands for none. */
export function byteOf(piece: string): number {
	if (!piece.startsWith("<0x")) return -1;
	const digits = BYTE_PIECE.exec(piece)?.[1];
	return digits === undefined ? -1 : Number.parseInt(digits, 16);
}

/** Append the pieces of the bytes of some characters, from the last to the first. */
function addBytes(codes: Int32Array, start: number, end: number, found: string[]): void {
	for (let place = end - 1; place >= start; place--) {
		const code = codes[place] as number;
		const size = utf8Size(code);
		for (let number = size - 1; number >= 0; number--) found.push(pieceOfByte(utf8Byte(code, number, size)));
	}
}

/** The text of bytes in UTF-8; each byte that is part of no character is U+FFFD. */
function decodedBytes(bytes: readonly number[]): string {
	let text = "";
	let place = 0;
	while (place < bytes.length) {
		const first = bytes[place] as number;
		const size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
		const character = place + size <= bytes.length ? decodedCharacter(bytes.slice(place, place + size)) : null;
		text += character ?? String.fromCodePoint(REPLACEMENT);
		place += character === null ? 1 : size;
	}
	return text;
}

/** The one character that `bytes` are in UTF-8, or null. */
function decodedCharacter(bytes: readonly number[]): string | null {
	try {
		const text = UTF_8.decode(Uint8Array.from(bytes));
		return codePoints(text).length === 1 ? text : null;
	} catch {
		return null;
	}
}

function isOrdinary(type: number): boolean {
	return type === PieceType.NORMAL || type === PieceType.USER_DEFINED || type === PieceType.UNUSED;
}

function check(holds: boolean, problem: string): void {
	if (!holds) throw new DamagedModelError(problem);
}

function normalizerOf(
	spec: NormalizerSpec,
	userDefined: PieceTrie | null,
	spacesAreSuffixes: boolean,
): SentencePieceNormalizer {
	const rules = spec.charsmap.length === 0 ? null : DoubleArrayTrie.of(spec.charsmap);
	check(rules !== null || spec.charsmap.length === 0, "the rules of normalization are damaged");
	return new SentencePieceNormalizer(
		rules,
		userDefined,
		spec.addDummyPrefix,
		spec.removeExtraWhitespaces,
		spec.escapeWhitespaces,
		spacesAreSuffixes,
	);
}
