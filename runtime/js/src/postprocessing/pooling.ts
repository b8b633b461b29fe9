/** Pooling: the vectors of a text's tokens -> one vector of the text; and the similarity of two such vectors. */

import { BundleError, listed, UsageError } from "../errors";
import { repr } from "../repr";
import type { Tensor } from "../tensors";
import { finite } from "./probabilities";

/** a vector is divided by its length only down to this length, as torch.nn.functional.normalize does */
const LEAST_LENGTH = 1e-12;
/** "pooler" is the output of the model's own pooler, which no function here computes */
export const POOLINGS: readonly string[] = ["pooler", "cls", "mean", "max"];

/** How a text becomes one vector: the field `embedding` of a manifest. */
export interface EmbeddingOptions {
	pooling: string;
	/** divide the vector by its length */
	normalize: boolean;
	/** strip and lower-case the text before the tokenizer reads it, as sentence-transformers' `do_lower_case` says */
	lowerCase: boolean;
	similarity: string;
}

type Similarity = (left: Float64Array, right: Float64Array) => number;

/** the name in sentence-transformers ("similarity_fn_name") -> the function */
const SIMILARITIES: Readonly<Record<string, Similarity>> = {
	cosine: (left, right) => dot(left, right) / (lengthOf(left) * lengthOf(right)),
	dot,
	euclidean: (left, right) => -Math.sqrt(sum(left.map((one, place) => (one - (right[place] as number)) ** 2))),
	manhattan: (left, right) => -sum(left.map((one, place) => Math.abs(one - (right[place] as number)))),
};

/**
 * The options in the field `embedding` of a manifest; what is absent has its default.
 *
 * Throws a BundleError if an option is unknown, so that this runtime would pass over it, or has a wrong value.
 */
export function embeddingOptions(record: Readonly<Record<string, unknown>>): EmbeddingOptions {
	const known: Record<string, readonly unknown[]> = {
		pooling: POOLINGS,
		normalize: [true, false],
		lower_case: [true, false],
		similarity: Object.keys(SIMILARITIES),
	};
	const problems = Object.entries(record)
		.filter(([name, value]) => !(Object.hasOwn(known, name) && known[name]?.includes(value)))
		.map(([name, value]) => {
			const allowed = Object.hasOwn(known, name)
				? `; it must be one of ${known[name]?.map((one) => (typeof one === "string" ? one : repr(one))).join(", ")}`
				: "";
			return `${name} is ${repr(value)}${allowed}`;
		});
	if (problems.length) {
		throw new BundleError(
			`${listed("the manifest's \"embedding\" asks for what this runtime can't do:", problems)}\n` +
				"upgrade the runtime: npm install albert-runtime@latest",
		);
	}
	return {
		pooling: (record.pooling as string | undefined) ?? "pooler",
		normalize: (record.normalize as boolean | undefined) ?? false,
		lowerCase: (record.lower_case as boolean | undefined) ?? false,
		similarity: (record.similarity as string | undefined) ?? "cosine",
	};
}

/**
 * The vector of a text.
 *
 * @param tokens the last hidden state of the text with [CLS] and [SEP] and without padding, `[sequence, hidden]`
 * @param poolerOutput the output of the model's pooler, `[hidden]`, if it has one
 */
export function pool(
	tokens: Tensor,
	poolerOutput: Tensor | undefined,
	pooling: string,
	normalize: boolean,
): Float32Array {
	const [count = 0, hidden = 0] = tokens.dims;
	let vector: Float32Array | Float64Array;
	if (pooling === "pooler" && poolerOutput !== undefined) vector = poolerOutput.data.slice();
	else if (pooling === "cls") vector = tokens.data.slice(0, hidden);
	else if (pooling === "mean") {
		vector = new Float64Array(hidden);
		for (let place = 0; place < count * hidden; place++) {
			(vector[place % hidden] as number) += tokens.data[place] as number;
		}
		vector = vector.map((one) => one / count);
	} else if (pooling === "max") {
		vector = tokens.data.slice(0, hidden);
		for (let place = hidden; place < count * hidden; place++) {
			const column = place % hidden;
			vector[column] = Math.max(vector[column] as number, tokens.data[place] as number);
		}
	} else throw new UsageError(`pooling=${repr(pooling)} is unknown; choose one of ${POOLINGS.map(repr).join(", ")}`);
	if (!normalize) return Float32Array.from(vector);
	let length = lengthOf(Float64Array.from(vector));
	// numpy divides a float32 array in float32.
	if (vector instanceof Float32Array) length = Math.fround(length);
	return Float32Array.from(vector, (one) => one / length);
}

/**
 * How similar two vectors are, by the function called `name`.
 *
 * Throws a UsageError if the vectors have different lengths.
 */
export function similarity(left: Float32Array, right: Float32Array, name: string): number {
	if (left.length !== right.length) {
		throw new UsageError(
			`the vectors have ${left.length} and ${right.length} numbers; compare embeddings of the same model`,
		);
	}
	return (SIMILARITIES[name] as Similarity)(finite(left), finite(right));
}

function sum(values: Float64Array): number {
	return values.reduce((total, one) => total + one, 0);
}

function dot(left: Float64Array, right: Float64Array): number {
	return sum(left.map((one, place) => one * (right[place] as number)));
}

function lengthOf(vector: Float64Array): number {
	return Math.max(Math.sqrt(dot(vector, vector)), LEAST_LENGTH);
}
