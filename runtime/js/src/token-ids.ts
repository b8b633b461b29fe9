/** Requests of token ids: checks them and pads them. A bundle without a tokenizer takes no others. */

import type { Bundle } from "./bundle/bundle";
import type { JsonObject } from "./bundle/manifest";
import { listed, UsageError } from "./errors";
import { repr, shortRepr } from "./repr";
import { CHOICES } from "./tasks";
import type { Inputs } from "./tensors";
import type { AlbertTokenizer } from "./tokenization/tokenizer";

/** Token ids: one sequence, several, or for multiple choice several lists of choices. */
export type Ids = readonly number[] | readonly (readonly number[])[] | readonly (readonly (readonly number[])[])[];

/** problems that a message lists; more of them would hide the first */
const MOST_PROBLEMS = 20;
/** ids that a problem names */
const MOST_NAMED = 8;

/** One sequence, whose three lists have the same length. */
interface Row {
	ids: number[];
	mask: number[];
	types: number[];
}

/** Sequences of token ids that have been checked against a bundle. */
export class IdRequest {
	/** a list of sequences for each element of the batch; more than one sequence are choices */
	private readonly examples: Row[][];
	private readonly choices: boolean;
	/** the tokens of the longest sequence */
	readonly longest: number;

	/**
	 * Throws a UsageError if an id is no whole number or not in the vocabulary, a sequence is empty or too long, or the
	 * arguments don't fit each other; the message lists all problems.
	 */
	constructor(
		private readonly bundle: Bundle,
		inputIds: unknown,
		tokenTypeIds: unknown,
		attentionMask: unknown,
	) {
		this.choices = bundle.manifest.graphTask.inputAxes.includes(CHOICES);
		this.examples = this.checked(inputIds, tokenTypeIds, attentionMask);
		this.longest = Math.max(...this.examples.flat().map((row) => row.ids.length));
	}

	/** The inputs of the graph by name. */
	inputs(): Inputs {
		return this.padded(this.examples);
	}

	/** The inputs for each element of the batch by itself. */
	inputsOneByOne(): Inputs[] {
		return this.examples.map((example) => this.padded([example]));
	}

	private padded(examples: readonly Row[][]): Inputs {
		const rows = examples.flat();
		const length = this.bundle.manifest.sequenceLength ?? Math.max(...rows.map((row) => row.ids.length));
		const dims = this.choices ? [examples.length, rows.length / examples.length, length] : [rows.length, length];
		const filled = (value: number, values: (row: Row) => number[]) => {
			const data = new Int32Array(rows.length * length).fill(value);
			rows.forEach((row, index) => {
				data.set(values(row), index * length);
			});
			return { dims, data };
		};
		return {
			input_ids: filled(paddingId(this.bundle.config), (row) => row.ids),
			attention_mask: filled(0, (row) => row.mask),
			token_type_ids: filled(0, (row) => row.types),
		};
	}

	private checked(inputIds: unknown, tokenTypeIds: unknown, attentionMask: unknown): Row[][] {
		const problems: string[] = [];
		const examples = this.nested("input_ids", inputIds, problems);
		const shape = examples.map((example) => example.length);
		const rowsOf = (name: string, given: unknown): unknown[][] | null => {
			if (given === null || given === undefined) return null;
			const nested = this.nested(name, given, problems);
			const same = nested.length === shape.length && nested.every((one, place) => one.length === shape[place]);
			if (!problems.length && !same) problems.push(`${name} must have as many sequences as input_ids`);
			return nested.flat();
		};
		const types = rowsOf("token_type_ids", tokenTypeIds);
		const masks = rowsOf("attention_mask", attentionMask);
		if (new Set(shape).size > 1) {
			const counts = shape.join(", ");
			problems.push(`the examples have different numbers of choices: ${counts}; give each the same number`);
		}
		refuse(problems);
		const rows = examples.flat();
		const made = rows.map((ids, index) => {
			const [type, mask] = [types?.[index] ?? null, masks?.[index] ?? null];
			const name = rows.length > 1 ? `sequence ${index + 1}: ` : "";
			problems.push(...this.rowProblems(ids, type, mask).map((problem) => name + problem));
			return { ids, mask: mask ?? ids.map(() => 1), types: type ?? ids.map(() => 0) } as Row;
		});
		refuse(problems);
		let place = 0;
		return examples.map((example) => example.map(() => made[place++] as Row));
	}

	private rowProblems(ids: unknown[], types: unknown[] | null, mask: unknown[] | null): string[] {
		const { config, maxLength } = this.bundle;
		if (!ids.length) return ["there are no ids"];
		const problems = valueProblems("ids", ids, config.vocab_size, "the vocabulary's ids go");
		if (ids.length > maxLength) problems.push(`there are ${ids.length} ids, and the model takes ${maxLength}`);
		for (const [name, values, count] of [
			["token_type_ids", types, config.type_vocab_size ?? 2],
			["attention_mask", mask, 2],
		] as const) {
			if (values === null) continue;
			if (values.length !== ids.length) {
				problems.push(`${name} and input_ids have different lengths: ${values.length} and ${ids.length}`);
			}
			problems.push(...valueProblems(`${name}:`, values, count, "its values go"));
		}
		if (mask !== null && !mask.some(Boolean)) {
			problems.push("attention_mask is 0 for every token; at least one must count");
		}
		return problems;
	}

	/** `value` as a list of examples, each of which is a list of sequences; wrong nesting is added to `problems`. */
	private nested(name: string, value: unknown, problems: string[]): unknown[][][] {
		const depth = depthOf(value);
		if (depth === 1) return [[[...(value as unknown[])]]];
		const rows = value as unknown[][];
		if (depth === 2) return this.choices ? [rows.map((row) => [...row])] : rows.map((row) => [[...row]]);
		if (depth === 3 && this.choices) return (value as unknown[][][]).map((example) => example.map((row) => [...row]));
		const deepest = this.choices ? "or lists of these, one for each example" : "or a list of such lists";
		const found = depth ? `lists that are nested ${depth} deep` : shortRepr(value, 60);
		problems.push(`${name} must be a list of ids, like [2, 14, 3], ${deepest}, not ${found}`);
		return [];
	}
}

/** The id that fills sequences up: config.json's `pad_token_id`, or 0. The attention mask hides it in any case. */
function paddingId(config: JsonObject): number {
	const pad = config.pad_token_id;
	return Number.isInteger(pad) && (pad as number) >= 0 ? (pad as number) : 0;
}

/** What stands in place of the tokenizer in the session of a bundle without one: whatever is asked of it throws. */
export function absentTokenizer(location: string): AlbertTokenizer {
	return new Proxy({} as AlbertTokenizer, {
		get(_, name) {
			// Promises, and tools that show objects, ask for names that need not be there.
			if (typeof name === "symbol" || name === "then" || name === "toJSON" || name === "constructor") return undefined;
			throw new UsageError(
				`the bundle ${location} has no tokenizer, since it was exported with --no-tokenizer: it takes token ids and ` +
					"no text. Give the ids of your own tokenizer: session.runIds([2, 14, 3])",
			);
		},
	});
}

function refuse(problems: readonly string[]): void {
	if (!problems.length) return;
	const more = problems.length - MOST_PROBLEMS;
	const lines = [...problems.slice(0, MOST_PROBLEMS), ...(more > 0 ? [`and ${more} more`] : [])];
	throw new UsageError(listed("the token ids can't be used:", lines));
}

/** How deep lists are nested in `value`, 0 for what is no list; null if lists stand beside what is none. */
function depthOf(value: unknown): number | null {
	if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && !(value instanceof DataView))) return 0;
	const depths = new Set(Array.from(value as unknown[], depthOf));
	const [depth = 0] = depths;
	return depths.size > 1 || depth === null ? null : 1 + depth;
}

/** What is wrong with the numbers; they must be whole and below `count`, if that is known. */
function valueProblems(name: string, values: readonly unknown[], count: unknown, rangeOf: string): string[] {
	const noNumbers = values.filter((one) => !Number.isInteger(one)).map(repr);
	const problems = noNumbers.length ? [`${name} ${first(noNumbers)}: not a whole number`] : [];
	const most = Number.isInteger(count) ? (count as number) : 2 ** 31;
	const outside = values.filter((one) => Number.isInteger(one) && !((one as number) >= 0 && (one as number) < most));
	if (outside.length) problems.push(`${name} ${first(outside.map(String))}: ${rangeOf} from 0 to ${most - 1}`);
	return problems;
}

function first(values: readonly string[]): string {
	const distinct = [...new Set(values)];
	const more = distinct.length > MOST_NAMED ? ` and ${distinct.length - MOST_NAMED} more` : "";
	return distinct.slice(0, MOST_NAMED).join(", ") + more;
}
