/** The normalizers of a tokenizer.json: each is a function of the text. The twin of `fast/normalizers.py`. */

import { UnsupportedError } from "../../errors";
import { repr } from "../../repr";
import type { AlignedText } from "../aligned-text";
import { apart, isChinese } from "../bert-normalizer";
import {
	codePoints,
	isMark,
	isNonSpacingMark,
	isOther,
	isSpace,
	lowerCase,
	type NormalizationForm,
	REPLACEMENT,
} from "../characters";
import type { TextNormalizer } from "../normalizer";
import { entriesOf, field, isObject, isTrue, type JsonObject } from "../tokenizer-file";
import { PrecompiledCharsmap } from "./precompiled-charsmap";

const NOTHING = new Int32Array(0);
const SPACE = Int32Array.of(0x20);

/** What is replaced is read as a text, so each character of it that regular expressions give a meaning is escaped. */
const SYNTAX = /[\\^$.*+?()[\]{}|/]/g;

/** A part of a tokenizer.json is not written as it must be; the message says what of it. */
export class RuleError extends Error {
	override name = "RuleError";
}

/**
 * The normalizer that `record`, a part of a tokenizer.json, describes; null leaves the text as it is.
 *
 * @throws UnsupportedError there is no such normalizer, or it is written in another way
 */
export function readNormalizer(record: unknown): TextNormalizer {
	if (record === null || record === undefined) return { normalize: (text) => text };
	const kind = isObject(record) ? field(record, "type") : record;
	try {
		return { normalize: reader(kind, record) };
	} catch (error) {
		if (!(error instanceof RuleError)) throw error;
		throw new UnsupportedError(`the normalizer ${repr(kind)} in tokenizer.json is not supported (${error.message})`);
	}
}

type Normalize = (text: AlignedText) => AlignedText;

function reader(kind: unknown, record: unknown): Normalize {
	switch (kind) {
		case "NFC":
		case "NFD":
		case "NFKC":
		case "NFKD": {
			const form: NormalizationForm = kind;
			return (text) => text.normalized(form);
		}
		case "Sequence":
			return sequence(fields(record));
		case "Replace":
			return replace(fields(record));
		case "Strip":
			return strip(fields(record));
		case "BertNormalizer":
			return bert(fields(record));
		case "Precompiled": {
			const charsmap = new PrecompiledCharsmap(textIn(fields(record), "precompiled_charsmap", ""));
			return (text) => charsmap.normalize(text);
		}
		case "StripAccents":
			return (text) => text.mapCharacters(withoutMarksOfAnyKind);
		case "Lowercase":
			return (text) => text.mapCharacters(lowerCase);
		default:
			throw new RuleError("there is no such kind");
	}
}

/** The fields of a part of a tokenizer.json. */
export function fields(record: unknown): JsonObject {
	if (!isObject(record)) throw new RuleError("it must be an object");
	return record;
}

function textIn(record: JsonObject, name: string, usual?: string): string {
	const value = field(record, name);
	if (typeof value === "string") return value;
	if (usual === undefined) throw new RuleError(`${name} must be a text`);
	return usual;
}

function sequence(record: JsonObject): Normalize {
	const given = field(record, "normalizers");
	if (!Array.isArray(given)) throw new RuleError("normalizers must be a list");
	const steps = given.map(readNormalizer);
	return (text) => steps.reduce((before, step) => step.normalize(before), text);
}

function replace(record: JsonObject): Normalize {
	const patterns = field(record, "pattern");
	const entries = isObject(patterns) ? entriesOf(patterns) : [];
	const [entry] = entries;
	if (entry === undefined || entries.length > 1) throw new RuleError("pattern must be an object");
	const [kind, given] = entry;
	if (typeof given !== "string" || given === "") throw new RuleError("pattern must hold a text");
	const pattern = patternOf(kind, given);
	const content = codePoints(textIn(record, "content"));
	return (text) => text.replaced(pattern, content);
}

function patternOf(kind: string, given: string): RegExp {
	if (kind === "String") return new RegExp(given.replace(SYNTAX, "\\$&"), "gu");
	if (kind !== "Regex") throw new RuleError("pattern must be a String or a Regex");
	try {
		return new RegExp(given, "gu");
	} catch (error) {
		throw new RuleError(error instanceof Error ? error.message : String(error));
	}
}

function strip(record: JsonObject): Normalize {
	for (const name of ["strip_left", "strip_right"]) {
		if (!Object.hasOwn(record, name)) throw new RuleError(`${name} is missing`);
	}
	const left = isTrue(field(record, "strip_left"));
	const right = isTrue(field(record, "strip_right"));
	return (text) => {
		const begun = left ? text.stripStart() : text;
		return right ? begun.stripEnd() : begun;
	};
}

function bert(record: JsonObject): Normalize {
	const flag = (name: string) => !Object.hasOwn(record, name) || isTrue(record[name]);
	const lower = flag("lowercase");
	const accents = isTrue(field(record, "strip_accents") ?? lower);
	const clean = flag("clean_text");
	const chinese = flag("handle_chinese_chars");
	return (text) => {
		let found = text;
		if (clean) found = found.mapCharacters(cleaned);
		if (chinese) found = found.mapCharacters((code) => (isChinese(code) ? apart(code) : null));
		if (accents) found = found.normalized("NFD").mapCharacters((code) => (isNonSpacingMark(code) ? NOTHING : null));
		return lower ? found.mapCharacters(lowerCase) : found;
	};
}

function cleaned(code: number): Int32Array | null {
	if (code === 0x20) return null;
	if (code === 0 || code === REPLACEMENT) return NOTHING;
	if (code === 0x9 || code === 0xa || code === 0xd) return SPACE;
	if (isOther(code)) return NOTHING;
	return isSpace(code) ? SPACE : null;
}

/** Hugging Face drops marks of every kind, those that take space too: the vowel signs of Hindi are among them. */
function withoutMarksOfAnyKind(code: number): Int32Array | null {
	return isMark(code) ? NOTHING : null;
}
