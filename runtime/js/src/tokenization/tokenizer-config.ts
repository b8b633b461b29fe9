/** The settings of the tokenizer in a bundle. The twin of `config.py`. */

import { listed, UnsupportedError } from "../errors";
import { repr } from "../repr";
import type { AddedToken } from "./added-token";
import { readTokens, TOKENS_TABLE } from "./added-tokens-files";
import { BertNormalizer } from "./bert-normalizer";
import { FastRules } from "./fast/fast-rules";
import { SpecialTokens, TOKEN_OF_ROLE, WORDPIECE_TOKEN_OF_ROLE } from "./special-tokens";
import { entriesOf, field, isObject, isTrue, type JsonObject, type TokenizerFile, type TokenizerFiles } from "./tokenizer-file";

const CONFIG_FILE = "tokenizer_config.json";
const FAST_TOKENIZER_FILE = "tokenizer.json";
const JAPANESE = "BertJapaneseTokenizer";

/** the value of "tokenizer_class" -> whether the vocabulary is WordPiece's (a vocab.txt), and not SentencePiece's */
const CLASSES: ReadonlyMap<string, boolean> = new Map([
	["AlbertTokenizer", false],
	["BertTokenizer", true],
	// its "basic" kind
	[JAPANESE, true],
]);
/** the field of this project, which Hugging Face ignores: texts are split as tokenizer.json says, or by SentencePiece alone */
const RULES_FIELD = "tokenizer_rules";
const FLAGS = ["do_lower_case", "remove_space", "keep_accents", "tokenize_chinese_chars", "strip_accents"];
/** the keys of "sp_model_kwargs" that leave the pieces of a text as they are if they are false */
const HARMLESS_IF_FALSE = new Set(["add_bos", "add_eos", "reverse", "emit_unk_piece", "enable_sampling"]);
/** these have an effect only if sampling is enabled */
const HARMLESS = new Set(["alpha", "nbest_size", "num_threads"]);

/** The settings in tokenizer_config.json that an ALBERT tokenizer needs. */
export interface TokenizerConfig {
	doLowerCase: boolean;
	removeSpace: boolean;
	keepAccents: boolean;
	/** the most tokens in a sequence; Infinity for no limit, undefined if the file does not say */
	modelMaxLength: number | undefined;
	/** the tokens that have a role */
	specialTokens: SpecialTokens;
	/** these and the tokens that were added to the vocabulary */
	addedTokens: readonly AddedToken[];
	/** those of them that are special, besides those that have a role */
	additionalSpecialTokens: readonly string[];
	/** how the words of a WordPiece vocabulary are found; undefined for a vocabulary of SentencePiece */
	wordpiece: BertNormalizer | undefined;
	/** the rules of tokenizer.json, if texts are split as it says, and not as Hugging Face's slow tokenizer does */
	fastRules: FastRules | undefined;
	/** texts are split by SentencePiece alone, without ALBERT's rules */
	sentencepieceOnly: boolean;
	givesTokenTypeIds: boolean;
}

/**
 * The settings in `files`; if the file or a setting is absent, the default is used. Every setting that makes Hugging Face's
 * tokenizer give other ids is either followed or refused.
 *
 * @throws UnsupportedError a file can't be read, or asks for a tokenizer that gives other ids than this one; the message
 *   lists every such setting
 */
export async function readTokenizerConfig(files: TokenizerFiles): Promise<TokenizerConfig> {
	const file = await files.load(CONFIG_FILE);
	const settings = file.readObject();
	const follows = field(settings, RULES_FIELD) === "fast";
	if (!Object.hasOwn(settings, TOKENS_TABLE)) {
		for (const name of ["special_tokens_map.json", "added_tokens.json", FAST_TOKENIZER_FILE]) await files.load(name);
	}
	const given = field(settings, "tokenizer_class");
	const name = isTrue(given) ? (typeof given === "string" ? given : repr(given)) : "AlbertTokenizer";
	const kind = name.endsWith("Fast") ? name.slice(0, -"Fast".length) : name;
	const isWordPiece = CLASSES.get(kind) ?? false;
	const problems: string[] = [];
	const flags = readFlags(settings, problems);
	const japanese = kind === JAPANESE; // it has other defaults, and never separates Chinese characters
	const doLowerCase = flags.get("do_lower_case") ?? !(isWordPiece && japanese);
	const chinese = flags.get("tokenize_chinese_chars") ?? true;
	const length = field(settings, "model_max_length") ?? field(settings, "max_len") ?? undefined;
	const limit = lengthLimit(length);
	if (length !== undefined && limit === undefined) {
		problems.push(`model_max_length is ${repr(length)}, and must be a positive whole number`);
	}
	const tokens = readTokens(settings, files, isWordPiece ? WORDPIECE_TOKEN_OF_ROLE : TOKEN_OF_ROLE, !isWordPiece);
	problems.push(...behaviourProblems(settings));
	if (!follows) {
		problems.push(...tokens.problems, ...classProblems(kind, isWordPiece, settings), ...slowProblems(settings));
	}
	if (problems.length) throw new UnsupportedError(listed(`${file} asks for a tokenizer that can't be made:`, problems));
	if (field(settings, "padding_side") === "left") warnOfLeftPadding(file);
	const stripAccents = flags.get("strip_accents");
	return {
		doLowerCase,
		removeSpace: flags.get("remove_space") ?? true,
		keepAccents: flags.get("keep_accents") ?? false,
		modelMaxLength: limit,
		specialTokens: SpecialTokens.ofRoles(tokens.roles),
		addedTokens: tokens.tokens,
		additionalSpecialTokens: tokens.additional,
		wordpiece: isWordPiece ? new BertNormalizer(doLowerCase, stripAccents, chinese && !japanese) : undefined,
		fastRules: follows ? await readFastRules(files, file) : undefined,
		sentencepieceOnly: field(settings, RULES_FIELD) === "sentencepiece",
		givesTokenTypeIds: givesTokenTypeIds(settings),
	};
}

async function readFastRules(files: TokenizerFiles, config: TokenizerFile): Promise<FastRules> {
	const file = await files.load(FAST_TOKENIZER_FILE);
	if (!file.exists) throw new UnsupportedError(`${file} is missing, which ${config} says to follow`);
	return FastRules.of(file.readObject(), `${file}`);
}

/** The settings that are read as they are; null means false, except that "strip_accents" is what "do_lower_case" is then. */
function readFlags(settings: JsonObject, problems: string[]): Map<string, boolean> {
	const found = new Map<string, boolean>();
	for (const name of FLAGS) {
		if (!Object.hasOwn(settings, name)) continue;
		const value = settings[name];
		if (typeof value === "boolean" || value === 0 || value === 1) found.set(name, Boolean(value));
		else if (value !== null) problems.push(`${name} is ${repr(value)}, and must be true or false`);
		else if (name !== "strip_accents") found.set(name, false);
	}
	return found;
}

/** A limit of tokens; undefined if `value` is no positive whole number. Hugging Face writes 1e30 for "no limit". */
function lengthLimit(value: unknown): number | undefined {
	if (typeof value !== "number" || !Number.isInteger(value) || value < 1) return undefined;
	return value >= 1e20 ? Number.POSITIVE_INFINITY : value;
}

/**
 * Whether the second text of a pair has token type 1. The AlbertTokenizer of transformers 5, whose files name a "backend",
 * gives no types, so its models see zeros.
 */
function givesTokenTypeIds(settings: JsonObject): boolean {
	const names = field(settings, "model_input_names");
	if (Array.isArray(names)) return names.includes("token_type_ids");
	return !Object.hasOwn(settings, "backend") || field(settings, "tokenizer_class") !== "AlbertTokenizer";
}

/** What of the tokenizer's class is not supported. */
function classProblems(kind: string, isWordPiece: boolean, settings: JsonObject): string[] {
	if (kind === JAPANESE) {
		const [words, pieces] = [field(settings, "word_tokenizer_type"), field(settings, "subword_tokenizer_type")];
		if ((!isTrue(words) || words === "basic") && (!isTrue(pieces) || pieces === "wordpiece")) return [];
		return [
			`tokenizer_class is '${kind}' with word_tokenizer_type ${repr(words)} and subword_tokenizer_type ${repr(pieces)}, ` +
				"which needs a morphological analyser such as MeCab; only 'basic' with 'wordpiece' is supported. Split the " +
				"texts yourself, export with --no-tokenizer, and give the token ids",
		];
	}
	if (CLASSES.get(kind) === isWordPiece) return [];
	return [
		`tokenizer_class is ${repr(kind)}; supported are ${[...CLASSES.keys()].join(", ")}, and these with Fast; if the ` +
			"model was trained with spiece.model, set it to AlbertTokenizer, and with vocab.txt, to BertTokenizer",
	];
}

/** The settings that make a tokenizer split texts, or cut them, in another way. */
function behaviourProblems(settings: JsonObject): string[] {
	const problems: string[] = [];
	const [padding, truncation] = [field(settings, "padding_side") ?? "right", field(settings, "truncation_side") ?? "right"];
	if (padding !== "left" && padding !== "right") {
		problems.push(`padding_side is ${repr(padding)}; it must be 'left' or 'right'`);
	}
	if (truncation !== "right") {
		problems.push(
			`truncation_side is ${repr(truncation)}; only 'right' is supported: 'left' would keep other tokens of long texts`,
		);
	}
	if (isTrue(field(settings, "split_special_tokens"))) {
		problems.push(
			'split_special_tokens is true, so that a "[SEP]" or "[MASK]" in a text is split like a word; this is not supported',
		);
	}
	return problems;
}

/** The settings that make a slow tokenizer split texts in another way. */
function slowProblems(settings: JsonObject): string[] {
	const problems: string[] = [];
	if (field(settings, "do_basic_tokenize") === false) {
		problems.push("do_basic_tokenize is false, so that texts are split at white space only; this is not supported");
	}
	if (field(settings, "add_prefix_space") === false) {
		problems.push(
			"add_prefix_space is false, which Hugging Face's fast tokenizer follows and its slow one does not; only true is " +
				"supported, where both give the same ids",
		);
	}
	const options = field(settings, "sp_model_kwargs");
	if (!isTrue(options)) return problems;
	if (!isObject(options)) return [...problems, `sp_model_kwargs is ${repr(options)}, and must be a table`];
	for (const [name, value] of entriesOf(options)) {
		if (HARMLESS.has(name) || (HARMLESS_IF_FALSE.has(name) && (value === false || value === 0))) continue;
		const reason = name === "enable_sampling" ? " (it splits the same text in another way each time)" : "";
		problems.push(`sp_model_kwargs sets ${name} to ${repr(value)}${reason}, which is not supported`);
	}
	return problems;
}

/**
 * Logs what left padding means. The mask hides padding on either side, but Hugging Face's ALBERT counts positions from the
 * beginning of the row, so that a text behind padding has higher ones.
 */
function warnOfLeftPadding(file: TokenizerFile): void {
	console.warn(
		`albert-runtime: ${file}: padding_side is 'left'; answers are those of texts without padding, which training on padded ` +
			"batches may have seen at other positions",
	);
}
