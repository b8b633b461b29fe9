/** The pre-tokenizers of a tokenizer.json: each splits a text into words. The twin of `fast/pre_tokenizers.py`. */

import { UnsupportedError } from "../../errors";
import { repr } from "../../repr";
import { AlignedText } from "../aligned-text";
import { isPunctuation, words } from "../bert-normalizer";
import { isSpace, isWordCharacter } from "../characters";
import { WORD_START } from "../piece-model";
import { field, isTrue, type JsonObject } from "../tokenizer-file";
import { fields, RuleError } from "./normalizers";

const SPACE = 0x20;
const MARK = WORD_START.charCodeAt(0);

/** One text -> its words. */
export interface Split {
	/** The words of `text`; none is empty. */
	split(text: AlignedText): AlignedText[];
}

type Words = (text: AlignedText) => AlignedText[];

/**
 * The pre-tokenizer that `record`, a part of a tokenizer.json, describes; null leaves the text whole.
 *
 * @throws UnsupportedError there is no such pre-tokenizer, or it is written in another way
 */
export function readPreTokenizer(record: unknown): Split {
	if (record === null || record === undefined) return { split: whole };
	const kind = typeof record === "object" && !Array.isArray(record) ? field(record as JsonObject, "type") : record;
	try {
		return { split: reader(kind, record) };
	} catch (error) {
		if (!(error instanceof RuleError)) throw error;
		throw new UnsupportedError(`the pre-tokenizer ${repr(kind)} in tokenizer.json is not supported (${error.message})`);
	}
}

function reader(kind: unknown, record: unknown): Words {
	switch (kind) {
		case "Sequence":
			return sequence(fields(record));
		case "Metaspace":
			return metaspace(fields(record));
		case "WhitespaceSplit":
			return separatedWords;
		case "Whitespace":
			return (text) => runs(text).filter((run) => !isSpace(run.codes[0] as number));
		case "BertPreTokenizer":
			return bert;
		default:
			throw new RuleError("there is no such kind");
	}
}

function whole(text: AlignedText): AlignedText[] {
	return text.size > 0 ? [text] : [];
}

function sequence(record: JsonObject): Words {
	const given = field(record, "pretokenizers");
	if (!Array.isArray(given)) throw new RuleError("pretokenizers must be a list");
	const steps = given.map(readPreTokenizer);
	return (text) => steps.reduce((parts, step) => parts.flatMap((part) => step.split(part)), whole(text));
}

function metaspace(record: JsonObject): Words {
	const replacement = field(record, "replacement");
	if (replacement !== WORD_START) throw new RuleError(`replacement is ${repr(replacement)}`);
	const flag = (name: string) => !Object.hasOwn(record, name) || isTrue(record[name]);
	const given = field(record, "prepend_scheme");
	const scheme = isTrue(given) ? given : flag("add_prefix_space") ? "always" : "never";
	if (scheme !== "always" && scheme !== "first" && scheme !== "never") {
		throw new RuleError(`prepend_scheme is ${repr(scheme)}`);
	}
	const splits = flag("split");
	return (original) => {
		let text = original;
		if (text.codes.includes(SPACE)) {
			const codes = text.codes.map((code) => (code === SPACE ? MARK : code));
			text = new AlignedText(codes, text.starts, text.ends);
		}
		const begins = scheme === "always" || (scheme === "first" && text.starts[0] === 0);
		if (begins && text.size > 0 && text.codes[0] !== MARK) text = text.prefixed(MARK);
		return splits ? wordsAtMarks(text) : whole(text);
	};
}

/** The runs of characters that are no white space. */
function separatedWords(text: AlignedText): AlignedText[] {
	const found: AlignedText[] = [];
	const bounds = words(text.codes);
	for (let index = 0; index < bounds.length; index += 2) {
		found.push(text.part(bounds[index] as number, bounds[index + 1] as number));
	}
	return found;
}

/** The parts of `text`, each of which begins at a mark, except for the first one. */
function wordsAtMarks(text: AlignedText): AlignedText[] {
	const found: AlignedText[] = [];
	let start = 0;
	for (let place = 1; place <= text.size; place++) {
		if (place < text.size && text.codes[place] !== MARK) continue;
		found.push(text.part(start, place));
		start = place;
	}
	return found;
}

/** Letters, digits and "_" are of one kind, white space of another, and all other characters of a third. */
function kindOf(code: number): number {
	if (isWordCharacter(code)) return 0;
	return isSpace(code) ? 1 : 2;
}

/** The runs of characters that are of the same kind. */
function runs(text: AlignedText): AlignedText[] {
	const found: AlignedText[] = [];
	let start = 0;
	let kind = text.size > 0 ? kindOf(text.codes[0] as number) : -1;
	for (let place = 1; place <= text.size; place++) {
		const next = place < text.size ? kindOf(text.codes[place] as number) : -1;
		if (next === kind) continue;
		found.push(text.part(start, place));
		start = place;
		kind = next;
	}
	return found;
}

function bert(text: AlignedText): AlignedText[] {
	const found: AlignedText[] = [];
	const bounds = words(text.codes);
	for (let index = 0; index < bounds.length; index += 2) {
		const begin = bounds[index] as number;
		const stop = bounds[index + 1] as number;
		let start = begin;
		for (let place = begin; place < stop; place++) {
			if (!isPunctuation(text.codes[place] as number)) continue;
			if (place > start) found.push(text.part(start, place));
			found.push(text.part(place, place + 1));
			start = place + 1;
		}
		if (stop > start) found.push(text.part(start, stop));
	}
	return found;
}
