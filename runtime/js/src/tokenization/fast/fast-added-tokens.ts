import { listed, UnsupportedError } from "../../errors";
import { shortRepr } from "../../repr";
import { type AddedToken, isContent, isId } from "../added-token";
import { AlignedText } from "../aligned-text";
import { Alternatives } from "../alternatives";
import { codePoints, isSpace, isWordCharacter } from "../characters";
import type { TextNormalizer } from "../normalizer";
import { field, isObject, isTrue, type JsonObject } from "../tokenizer-file";

/** So many characters of a record are shown in messages. */
const SHOWN = 80;

/** An added token with the text that it stands for, or, if `token` is null, a text between two of them. */
export interface Section {
	readonly text: AlignedText;
	readonly token: string | null;
}

/**
 * The "added_tokens" of a tokenizer.json, found as Hugging Face's `tokenizers` library does.
 *
 * A token is found in the text as it is, or, if it says `normalized`, in the text after normalization, where its own content
 * is normalized too. The longest token that begins first is taken. The twin of `fast/added_tokens.py`.
 */
export class FastAddedTokens {
	/** All tokens, in the order of the file. */
	readonly tokens: readonly AddedToken[];
	readonly #normalizer: TextNormalizer;
	readonly #plain: Finder;
	readonly #normalized: Finder;

	/** @throws UnsupportedError a token is not described as it must be; the message lists all that are not */
	constructor(records: unknown, normalizer: TextNormalizer) {
		this.tokens = read(records);
		this.#normalizer = normalizer;
		const plain = new Map<string, AddedToken>();
		const normalized = new Map<string, AddedToken>();
		for (const token of this.tokens) {
			if (token.normalized) normalized.set(normalizer.normalize(AlignedText.of(token.content)).text, token);
			else plain.set(token.content, token);
		}
		normalized.delete("");
		this.#plain = new Finder(plain);
		this.#normalized = new Finder(normalized);
	}

	/** The tokens in `text`, and the normalized parts between them; no part is empty. */
	split(text: AlignedText): Section[] {
		const found: Section[] = [];
		for (const section of this.#plain.split(text)) {
			if (section.token !== null) found.push(section);
			else found.push(...this.#normalized.split(this.#normalizer.normalize(section.text)));
		}
		return found;
	}
}

class Finder {
	readonly #tokens: ReadonlyMap<string, AddedToken>;
	readonly #any: Alternatives;

	constructor(tokens: ReadonlyMap<string, AddedToken>) {
		this.#tokens = tokens;
		this.#any = new Alternatives(
			[...tokens.keys()].sort((one, other) => codePoints(other).length - codePoints(one).length),
		);
	}

	split(text: AlignedText): Section[] {
		const found: Section[] = [];
		const { codes } = text;
		let start = 0;
		for (const match of this.#any.findAll(codes)) {
			const token = this.#tokens.get(match.content) as AddedToken;
			let begin = match.start;
			let end = match.end;
			if (begin < start || (token.singleWord && !standsAlone(codes, begin, end))) continue;
			// White space beside the token becomes a part of it, unless another token has taken it already.
			if (token.lstrip) while (begin > start && isSpace(codes[begin - 1] as number)) begin--;
			if (token.rstrip) while (end < codes.length && isSpace(codes[end] as number)) end++;
			if (begin > start) found.push({ text: text.part(start, begin), token: null });
			found.push({ text: text.part(begin, end), token: token.content });
			start = end;
		}
		if (start < codes.length) found.push({ text: text.part(start, codes.length), token: null });
		return found;
	}
}

function standsAlone(codes: Int32Array, begin: number, end: number): boolean {
	const before = codes[begin - 1];
	const behind = codes[end];
	return !(before !== undefined && isWordCharacter(before)) && !(behind !== undefined && isWordCharacter(behind));
}

function isRecord(record: unknown): record is JsonObject {
	return isObject(record) && isContent(field(record, "content")) && isId(field(record, "id"));
}

function read(records: unknown): AddedToken[] {
	const given: unknown[] = Array.isArray(records) ? records : [records];
	const problems = given.filter((record) => !isRecord(record)).map((record) => shortRepr(record, SHOWN));
	if (problems.length > 0) {
		throw new UnsupportedError(listed("added_tokens must hold objects with a content and an id, not:", problems));
	}
	return given.filter(isRecord).map((record) => ({
		content: field(record, "content") as string,
		id: field(record, "id") as number,
		lstrip: isTrue(field(record, "lstrip")),
		rstrip: isTrue(field(record, "rstrip")),
		normalized: isTrue(field(record, "normalized")),
		special: isTrue(field(record, "special")),
		singleWord: isTrue(field(record, "single_word")),
	}));
}
