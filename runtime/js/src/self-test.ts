/**
 * Self-test vectors: a bundle contains a few requests and the outputs that they gave when the bundle was made.
 *
 * When a session opens, it computes the outputs again and compares them. A bundle whose tokenizer, graph and engine do not
 * fit each other is therefore refused before it gives a wrong answer.
 */

import type { JsonObject } from "./bundle/manifest";
import { AlbertError, BundleError, UsageError } from "./errors";
import { aligned } from "./postprocessing/beams";
import { general } from "./repr";
import type { AlbertSession } from "./session";
import { BEAM_SEARCH } from "./tasks";
import type { Inputs, Outputs } from "./tensors";
import { IdRequest } from "./token-ids";

interface StoredOutput {
	shape: number[];
	indices: number[];
	values: number[];
}

/**
 * Compute the outputs of every vector again and compare them.
 *
 * Throws a BundleError if a vector is malformed or the session gives other outputs; the message names the vector, the
 * output and the difference.
 */
export async function checkSelfTest(session: AlbertSession, vectors: readonly JsonObject[]): Promise<void> {
	for (const [index, vector] of vectors.entries()) {
		const name = `self-test vector ${index + 1} of ${vectors.length}`;
		try {
			await checkVector(session, vector, name);
		} catch (error) {
			if (error instanceof AlbertError && !(error instanceof UsageError)) throw error;
			if (!(error instanceof UsageError || error instanceof TypeError || error instanceof RangeError)) throw error;
			throw new BundleError(
				`${name} does not fit a ${session.task} session (${error.name}: ${error.message}); ` +
					"the bundle is damaged or was written wrongly: export the model again",
			);
		}
	}
}

/** The inputs of the graph for the keyword arguments of the Python session's call, or of its `run_ids`. */
export function requestInputs(session: AlbertSession, fields: JsonObject): Inputs {
	if ("input_ids" in fields) {
		const { input_ids, token_type_ids, attention_mask } = fields;
		return new IdRequest(session.bundle, input_ids, token_type_ids, attention_mask).inputs();
	}
	const inputs = session.inputsOf(session.prepareFields(fields).encodings);
	if (session.task !== "multiple-choice") return inputs;
	const asExample = Object.entries(inputs).map(([name, { dims, data }]) => [name, { dims: [1, ...dims], data }]);
	return Object.fromEntries(asExample);
}

async function checkVector(session: AlbertSession, vector: JsonObject, name: string): Promise<void> {
	const inputs = requestInputs(session, vector.inputs as JsonObject);
	const ids = [...(inputs.input_ids?.data ?? [])];
	const stored = (vector.input_ids as number[]).flat(2) as number[];
	if (ids.length !== stored.length || ids.some((id, place) => id !== stored[place])) {
		throw new BundleError(
			`${name}: the tokenizer gives ${shownIds(ids)}, the bundle was made with ${shownIds(stored)}; ` +
				"the vocabulary or its options do not belong to this model",
		);
	}
	const outputs = await session.run(inputs);
	const expected = vector.outputs as Record<string, StoredOutput>;
	const isAligned = session.manifest.head === BEAM_SEARCH;
	for (const [outputName, one] of Object.entries(expected)) {
		const found = outputs[outputName];
		if (found === undefined) throw new RangeError(outputName);
		if (found.dims.join() !== one.shape.join()) {
			throw new BundleError(
				`${name}: ${outputName} has the shape [${found.dims.join(", ")}], the bundle was made with ` +
					`[${one.shape.join(", ")}]`,
			);
		}
		if (isAligned) continue;
		const values = one.indices.map((place) => found.data[place] ?? Number.NaN);
		checkValues(session, vector, `${name}: ${outputName}`, values, one.values, one.indices);
	}
	if (!isAligned) return;
	const whole: Outputs = Object.fromEntries(
		Object.entries(expected).map(([key, one]) => [key, { dims: one.shape, data: Float32Array.from(one.values) }]),
	);
	const { got, expected: wanted } = aligned(outputs, whole);
	for (const [key, numbers] of Object.entries(wanted)) {
		checkValues(session, vector, `${name}: ${key}`, got[key] ?? [], numbers, [...numbers.keys()]);
	}
}

function checkValues(
	session: AlbertSession,
	vector: JsonObject,
	name: string,
	values: readonly number[],
	expected: readonly number[],
	indices: readonly number[],
): void {
	const tolerance = Number(vector.tolerance);
	const differences = expected.map((one, place) => Math.abs((values[place] ?? Number.NaN) - one));
	// Comparing NaN gives false, so NaN never counts as near enough.
	if (differences.every((one) => one <= tolerance)) return;
	const ranked = differences.map((one) => (Number.isNaN(one) ? Number.POSITIVE_INFINITY : one));
	const place = ranked.indexOf(Math.max(...ranked));
	const shown = (value: number | undefined, digits: number): string => general(value ?? Number.NaN, digits);
	throw new BundleError(
		`${name} differs by ${shown(differences[place], 3)}, allowed is ${shown(tolerance, 3)} ` +
			`(element ${indices[place]} is ${shown(values[place], 6)}, was ${shown(expected[place], 6)}); ` +
			`the graph, or the engine ${session.engine.name}, does not compute what the exported model computed. ` +
			"Export the model again, or load it with verify: false to look into it.",
	);
}

function shownIds(ids: readonly number[]): string {
	return `ids ${ids.slice(0, 24).join(" ")}${ids.length > 24 ? " ..." : ""}`;
}
