import { listed, UnsupportedError } from "../../errors";
import { repr } from "../../repr";
import { AlignedText } from "../aligned-text";
import type { TextNormalizer } from "../normalizer";
import type { Piece, PieceModel } from "../piece-model";
import type { TextSplitter } from "../slow-splitter";
import { entriesOf, field, isObject, type JsonObject } from "../tokenizer-file";
import { CONTINUATION, LONGEST_WORD, WordPieceModel } from "../wordpiece-model";
import { FastAddedTokens } from "./fast-added-tokens";
import { readNormalizer } from "./normalizers";
import { readPreTokenizer, type Split } from "./pre-tokenizers";
import { UnigramModel } from "./unigram-model";

/** What a tokenizer.json says of the way from a text to its pieces. The twin of `fast/rules.py`. */
export class FastRules {
	constructor(
		readonly added: FastAddedTokens,
		readonly preTokenizer: Split,
		readonly model: PieceModel,
	) {}

	/**
	 * The rules in the content of a tokenizer.json.
	 *
	 * @param content the object in the file
	 * @param source what error messages call the file
	 * @throws UnsupportedError a part of it is not supported; the message lists all parts that are not
	 */
	static of(content: JsonObject, source: string): FastRules {
		const problems: string[] = [];
		function read<T>(part: () => T): T | null {
			try {
				return part();
			} catch (error) {
				if (!(error instanceof UnsupportedError)) throw error;
				problems.push(error.message);
				return null;
			}
		}
		const normalizer = read(() => readNormalizer(field(content, "normalizer")));
		const preTokenizer = read(() => readPreTokenizer(field(content, "pre_tokenizer")));
		const asItIs: TextNormalizer = { normalize: (text) => text };
		const added = read(() => new FastAddedTokens(field(content, "added_tokens") ?? [], normalizer ?? asItIs));
		const model = read(() => readModel(field(content, "model"), source));
		if (preTokenizer === null || added === null || model === null || problems.length > 0) {
			throw new UnsupportedError(listed(`${source} asks for a tokenizer that can't be made:`, problems));
		}
		return new FastRules(added, preTokenizer, model);
	}
}

function readModel(model: unknown, source: string): PieceModel {
	const fields: JsonObject = isObject(model) ? model : {};
	const kind = field(fields, "type");
	if (kind === "Unigram") return new UnigramModel(fields);
	if (kind === "WordPiece") {
		const unknown = field(fields, "unk_token");
		return new WordPieceModel(source, typeof unknown === "string" ? unknown : repr(unknown), wordPieces(fields));
	}
	throw new UnsupportedError(`the vocabulary is ${kind ?? "missing"}; supported are Unigram and WordPiece`);
}

/** The pieces of a WordPiece model in the order of their ids. */
function wordPieces(model: JsonObject): string[] {
	const usual: JsonObject = { continuing_subword_prefix: CONTINUATION, max_input_chars_per_word: LONGEST_WORD };
	const problems = Object.entries(usual)
		.filter(([name, value]) => Object.hasOwn(model, name) && model[name] !== value)
		.map(([name, value]) => `${name} is ${repr(model[name])}; only ${repr(value)} is supported`);
	const pieces = field(model, "vocab");
	const inOrder: string[] = [];
	const entries = isObject(pieces) ? entriesOf(pieces) : [];
	for (const [piece, id] of entries) {
		if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < entries.length) inOrder[id as number] = piece;
	}
	// A list with holes has fewer elements than its length says.
	if (!isObject(pieces) || Object.keys(inOrder).length !== entries.length) {
		problems.push("vocab must give the pieces the ids 0, 1, 2, ... without a gap");
	} else if (inOrder.some((piece) => /[\r\n]/.test(piece))) {
		problems.push("a piece holds a line break");
	}
	if (problems.length > 0) {
		throw new UnsupportedError(listed("the vocabulary can't be written as a vocab.txt:", problems));
	}
	return inOrder;
}

/** Splits texts into pieces by FastRules. */
export class FastSplitter implements TextSplitter {
	readonly #rules: FastRules;

	constructor(rules: FastRules) {
		this.#rules = rules;
	}

	sections(text: string): Piece[][] {
		return this.#rules.added.split(AlignedText.of(text)).map((section) => {
			const part = section.text;
			if (section.token !== null) {
				return [{ piece: section.token, start: part.starts[0] as number, end: part.ends[part.size - 1] as number }];
			}
			return this.#rules.preTokenizer.split(part).flatMap((word) => this.#rules.model.split(word));
		});
	}
}
