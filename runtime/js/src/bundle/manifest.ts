/** The fields of a bundle's `manifest.json`, which exporters write and every runtime reads. */

import { BundleError, listed } from "../errors";
import { repr, shortRepr } from "../repr";
import { graphTask, TASKS, type Task } from "../tasks";

/** increased when runtimes for the previous version can no longer read the bundles */
export const FORMAT_VERSION = 1;
export const CONFIG_FILE = "config.json";
export const VOCABULARY_FILE = "spiece.model";
/** the vocabulary of a tokenizer that splits words by WordPiece */
export const WORDPIECE_FILE = "vocab.txt";

/** A table whose values are of any JSON type. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The description of a bundle; `readManifest` has checked it. */
export interface Manifest {
	/** the full name of the task */
	readonly task: string;
	/** the name of the graph's file in the bundle */
	readonly modelFile: string;
	/** the most tokens in a sequence, special tokens included */
	readonly maxLength: number;
	/** the name of every file except manifest.json -> its SHA-256 in hexadecimal */
	readonly files: Readonly<Record<string, string>>;
	/** the name of each label, in the order of the outputs; empty for tasks without labels */
	readonly labels: readonly string[];
	readonly precision: string;
	/** the number of tokens, if the graph has a static length; null if the length is dynamic */
	readonly sequenceLength: number | null;
	/** what "no answer" must exceed; null if the model was not trained to say that there is no answer */
	readonly nullThreshold: number | null;
	readonly versions: Readonly<Record<string, string>>;
	/** how feature extraction makes one vector of a text */
	readonly embedding: JsonObject;
	/** the head of the graph; "" for the usual one */
	readonly head: string;
	/** whether the bundle has a tokenizer's files; one without them takes token ids only */
	readonly hasTokenizer: boolean;
	/** requests and the outputs that they gave */
	readonly selfTest: readonly JsonObject[];
	/** the task, with the outputs that the graph has */
	readonly graphTask: Task;
	/** the whole JSON object, as it was read */
	readonly record: JsonObject;
}

/** name of a field -> what it must be, in words, and the function that checks it */
const FIELD_RULES: Readonly<Record<string, readonly [string, (value: unknown) => boolean]>> = {
	task: [`one of ${[...TASKS.keys()].join(", ")}`, (value) => typeof value === "string" && TASKS.has(value)],
	model_file: ["the name of a file in the bundle", isFileName],
	max_length: ["a number of tokens, 3 or more", isLength],
	files: ["a table of file names in the bundle and their SHA-256", isHashTable],
	labels: ["a list of strings", isStrings],
	precision: ["a string", isString],
	target: ["a string", isString],
	mask_policy: ["a string", isString],
	opset: ["a whole number or null", (value) => value === null || Number.isInteger(value)],
	sequence_length: ["a number of tokens, 3 or more, or null", (value) => value === null || isLength(value)],
	null_threshold: ["a finite number or null", (value) => value === null || Number.isFinite(value)],
	versions: ["a table of tools and their versions", (value) => isTable(value) && Object.values(value).every(isString)],
	quantized: ["a table", isTable],
	parity: ["a table", isTable],
	recipe_search: ["a table", isTable],
	embedding: ["a table", isTable],
	missing_outputs: ["a list of strings", isStrings],
	head: ["a string", isString],
	has_tokenizer: ["true or false", (value) => typeof value === "boolean"],
	self_test: ["a list of test vectors", (value) => Array.isArray(value) && value.every(isTable)],
};
/** fields that are missing in bundles which earlier versions wrote in the same format, and what they are then */
const ADDED: JsonObject = {
	recipe_search: {},
	null_threshold: null,
	embedding: {},
	missing_outputs: [],
	head: "",
	has_tokenizer: true,
};

/**
 * The manifest in `record`, the parsed JSON of a manifest file.
 *
 * Throws a BundleError if it is not a manifest, is of a format version that this runtime can't read, or has wrong fields;
 * the message lists all of them.
 */
export function readManifest(record: unknown): Manifest {
	if (!isTable(record) || !("format_version" in record)) {
		throw new BundleError('manifest.json has no "format_version": it is not the manifest of an ALBERT bundle');
	}
	checkVersion(record.format_version);
	const missing = Object.keys(FIELD_RULES).filter((name) => !Object.hasOwn(record, name) && !(name in ADDED));
	if (missing.length) {
		const problems = missing.map((name) => `"${name}" is missing`);
		throw new BundleError(listed("the manifest of the bundle is incomplete:", problems));
	}
	const fields: Record<string, unknown> = { ...ADDED, ...record };
	const problems = fieldProblems(fields);
	if (problems.length) throw new BundleError(listed("the manifest of the bundle is wrong:", problems));
	const [task, head] = [fields.task as string, fields.head as string];
	return {
		task,
		modelFile: fields.model_file as string,
		maxLength: fields.max_length as number,
		files: fields.files as Record<string, string>,
		labels: fields.labels as string[],
		precision: fields.precision as string,
		sequenceLength: fields.sequence_length as number | null,
		nullThreshold: fields.null_threshold as number | null,
		versions: fields.versions as Record<string, string>,
		embedding: fields.embedding as JsonObject,
		head,
		hasTokenizer: fields.has_tokenizer as boolean,
		selfTest: fields.self_test as JsonObject[],
		graphTask: graphTask(task, head, fields.missing_outputs as string[]),
		record,
	};
}

/** Whether `value` names a file inside a bundle: a name must not reach out of its folder. */
export function isFileName(value: unknown): boolean {
	if (typeof value !== "string" || !value || /[\\:\0]/.test(value) || value.startsWith("/")) return false;
	const parts = value.split("/").filter((part) => part !== "" && part !== ".");
	return parts.length > 0 && !parts.includes("..");
}

/** Whether `value` is a JSON object. */
export function isTable(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The version is checked first, because the other fields may mean something else in another format. */
function checkVersion(version: unknown): void {
	if (version === FORMAT_VERSION) return;
	const newer = Number.isInteger(version) && (version as number) > FORMAT_VERSION;
	const advice = newer
		? "upgrade the runtime: npm install albert-runtime@latest"
		: "export the model again with this version of albert-export";
	throw new BundleError(
		`the bundle is of format version ${repr(version)}, this runtime reads version ${FORMAT_VERSION}; ${advice}`,
	);
}

function fieldProblems(fields: JsonObject): string[] {
	const wrong = Object.entries(FIELD_RULES)
		.filter(([name, [, fits]]) => !fits(fields[name]))
		.map(([name, [expected]]) => `"${name}" must be ${expected}, not ${shortRepr(fields[name], 80)}`);
	if (wrong.length) return wrong;
	const task = TASKS.get(fields.task as string) as Task;
	const [head, files] = [fields.head as string, fields.files as Record<string, string>];
	const problems: string[] = [];
	if (task.labelled && !(fields.labels as string[]).length) {
		problems.push(`"labels" is empty, and ${task.name} needs the name of each label`);
	}
	for (const name of fields.missing_outputs as string[]) {
		if (task.optionalOutputs?.includes(name)) continue;
		problems.push(`"missing_outputs" names ${repr(name)}, which a graph for ${task.name} can't lack`);
	}
	const heads = Object.keys(task.heads ?? {});
	if (head && !heads.includes(head)) {
		problems.push(
			`"head" is ${repr(head)}, which this runtime does not know; it knows for ${task.name}: ` +
				`${heads.join(", ") || "only the usual one"} (npm install albert-runtime@latest)`,
		);
	}
	if (fields.null_threshold !== null && task.name !== "question-answering") {
		problems.push(`"null_threshold" must be null, because it does not go with ${task.name}`);
	}
	for (const name of [fields.model_file as string, CONFIG_FILE]) {
		if (!Object.hasOwn(files, name)) problems.push(`"files" has no hash for ${name}`);
	}
	if (fields.has_tokenizer && !Object.hasOwn(files, VOCABULARY_FILE) && !Object.hasOwn(files, WORDPIECE_FILE)) {
		problems.push(`"files" has no hash for ${VOCABULARY_FILE} (nor for ${WORDPIECE_FILE})`);
	}
	return problems;
}

function isString(value: unknown): boolean {
	return typeof value === "string";
}

function isStrings(value: unknown): boolean {
	return Array.isArray(value) && value.every(isString);
}

function isLength(value: unknown): boolean {
	// [CLS], [SEP] and one token of the text
	return Number.isInteger(value) && (value as number) >= 3;
}

function isHashTable(value: unknown): boolean {
	const fits = ([name, digest]: [string, unknown]): boolean =>
		isFileName(name) && typeof digest === "string" && [...digest].length === 64;
	return isTable(value) && Object.entries(value).every(fits);
}
