/** What a piece is, by its number in sentencepiece_model.proto. */
export const PieceType = { NORMAL: 1, UNKNOWN: 2, CONTROL: 3, USER_DEFINED: 4, UNUSED: 5, BYTE: 6 } as const;

/** The bytes are no SentencePiece model; the message says why. */
export class DamagedModelError extends Error {
	override name = "DamagedModelError";
}

const PIECES = 1;
const TRAINER = 2;
const NORMALIZER = 3;
const DENORMALIZER = 5;
const MODEL_TYPE = 3;
const SPACES_ARE_SUFFIXES = 24;
const BYTE_FALLBACK = 35;
const UNKNOWN_SURFACE = 44;
const CHARSMAP = 2;
const ADD_DUMMY_PREFIX = 3;
const REMOVE_EXTRA_WHITESPACES = 4;
const ESCAPE_WHITESPACES = 5;

/** The kinds of models by their number. */
export const MODEL_TYPES: readonly string[] = ["?", "unigram", "bpe", "word", "char"];

/** Decodes UTF-8 and keeps a mark of the byte order, which may be a piece. */
const UTF_8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** How a text is normalized: the message `NormalizerSpec`. */
export class NormalizerSpec {
	charsmap: Uint8Array = new Uint8Array(0);
	addDummyPrefix = true;
	removeExtraWhitespaces = true;
	escapeWhitespaces = true;

	/** Take the fields that are in `content`. */
	read(content: Uint8Array): void {
		readMessage(content, (field, value) => {
			if (field === CHARSMAP) this.charsmap = value.bytes();
			else if (field === ADD_DUMMY_PREFIX) this.addDummyPrefix = value.number() !== 0;
			else if (field === REMOVE_EXTRA_WHITESPACES) this.removeExtraWhitespaces = value.number() !== 0;
			else if (field === ESCAPE_WHITESPACES) this.escapeWhitespaces = value.number() !== 0;
		});
	}
}

/**
 * The content of a `spiece.model`: the protocol buffer `ModelProto` of google/sentencepiece
 * (src/sentencepiece_model.proto), as far as a tokenizer needs it. Absent fields have the defaults of that file.
 */
export class SentencePieceFile {
	readonly pieces: string[] = [];
	/** The scores, each of which is a number of 32 bits. */
	readonly scores: number[] = [];
	readonly types: number[] = [];
	/** The kind of the model by its number in MODEL_TYPES. */
	modelType = 1;
	spacesAreSuffixes = false;
	byteFallback = false;
	unknownSurface = " \u2047 ";
	readonly normalizer = new NormalizerSpec();
	readonly denormalizer = new NormalizerSpec();

	/** @throws DamagedModelError `content` is no model */
	constructor(content: Uint8Array) {
		readMessage(content, (field, value) => {
			if (field === PIECES) this.#readPiece(value.bytes());
			else if (field === TRAINER) this.#readTrainer(value.bytes());
			else if (field === NORMALIZER) this.normalizer.read(value.bytes());
			else if (field === DENORMALIZER) this.denormalizer.read(value.bytes());
		});
	}

	#readPiece(content: Uint8Array): void {
		let piece = "";
		let score = 0;
		let type: number = PieceType.NORMAL;
		readMessage(content, (field, value) => {
			if (field === 1) piece = value.text();
			else if (field === 2) score = value.float();
			else if (field === 3) type = value.number();
		});
		this.pieces.push(piece);
		this.scores.push(score);
		this.types.push(type);
	}

	#readTrainer(content: Uint8Array): void {
		readMessage(content, (field, value) => {
			if (field === MODEL_TYPE) this.modelType = value.number();
			else if (field === SPACES_ARE_SUFFIXES) this.spacesAreSuffixes = value.number() !== 0;
			else if (field === BYTE_FALLBACK) this.byteFallback = value.number() !== 0;
			else if (field === UNKNOWN_SURFACE) this.unknownSurface = value.text();
		});
	}
}

/** The value of one field; it is read as the field's type asks for. */
class FieldValue {
	/** The varint: numbers above 2^53 are rounded. */
	varint: number | null = null;
	/** The bytes of a message, a text, or a number of a fixed size. */
	content: Uint8Array | null = null;
	isFixed = false;

	number(): number {
		return this.varint ?? damaged();
	}

	bytes(): Uint8Array {
		return this.content === null || this.isFixed ? damaged() : this.content;
	}

	text(): string {
		return UTF_8.decode(this.bytes());
	}

	float(): number {
		const content = this.content;
		if (content === null || !this.isFixed || content.length !== 4) return damaged();
		return new DataView(content.buffer, content.byteOffset, 4).getFloat32(0, true);
	}
}

function damaged(): never {
	throw new DamagedModelError("a field has another type than it must have");
}

/** Call `take` for each field of a message in the wire format of protocol buffers (protobuf.dev, "Encoding"). */
function readMessage(content: Uint8Array, take: (field: number, value: FieldValue) => void): void {
	const value = new FieldValue();
	let place = 0;

	function readVarint(): number {
		let number = 0;
		let factor = 1;
		for (let count = 0; count < 10; count++) {
			const byte = content[place++];
			if (byte === undefined) throw new DamagedModelError("it ends within a field");
			number += (byte & 0x7f) * factor;
			if (byte < 0x80) return number;
			factor *= 128;
		}
		throw new DamagedModelError("a number has no end");
	}

	function readContent(size: number): Uint8Array {
		if (size > content.length - place) throw new DamagedModelError("a field is longer than the file");
		place += size;
		return content.subarray(place - size, place);
	}

	while (place < content.length) {
		const tag = readVarint();
		const field = Math.floor(tag / 8);
		if (field === 0) throw new DamagedModelError("a field has the number 0");
		const type = tag % 8;
		value.varint = type === 0 ? readVarint() : null;
		value.isFixed = type === 1 || type === 5;
		if (type === 0) value.content = null;
		else if (type === 1) value.content = readContent(8);
		else if (type === 2) value.content = readContent(readVarint());
		else if (type === 5) value.content = readContent(4);
		else throw new DamagedModelError("a field has an unknown type");
		take(field, value);
	}
}
