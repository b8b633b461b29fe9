/**
 * The answers of files that `albert-export vectors` wrote, from the outputs that are in them: this tests the tokenizer and
 * the post-processing without an engine. ALBERT_VECTORS is a folder with `NAME/vectors.json`, and ALBERT_BUNDLES one with
 * the bundles of these names; tests/runtime_js/test_golden_vectors.py makes both.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { AlbertError, type AnySession, CannedEngine, load, type Outputs, type Tensor, toDict } from "../src/index";

interface Vector {
	call: Record<string, unknown>;
	input_ids: number[][] | number[][][];
	attention_mask: number[][] | number[][][];
	masked_positions?: number[][];
	outputs: Record<string, { shape: number[]; float32?: string }>;
	answer: unknown;
}
interface Vectors {
	bundle: { task: string; head: string };
	requests: Vector[];
	errors: { call: Record<string, unknown>; type: string; message: string }[];
}

const folder = process.env.ALBERT_VECTORS ?? "";
const bundles = process.env.ALBERT_BUNDLES ?? "";
const names = folder ? readdirSync(folder).sort() : [];
/** the largest difference of a score; the logits are the same, so only the last bits of a sum may differ */
const TOLERANCE = 1e-6;

describe.skipIf(!names.length)("golden vectors", () => {
	test.each(names)("%s", async (name) => {
		vi.spyOn(console, "warn").mockImplementation(() => undefined);
		const vectors: Vectors = JSON.parse(readFileSync(join(folder, name, "vectors.json"), "utf8"));
		let stored: Outputs[] = [];
		// The sequences of a request run one after the other; the choices of multiple choice are one run.
		const engine = new CannedEngine(vectors.bundle.task, () => stored.shift() as Outputs, vectors.bundle.head);
		const session: AnySession = await load(join(bundles, name), { engine, verify: false });
		let answered = 0;
		for (const vector of vectors.requests) {
			const outputs = wholeOutputs(vector);
			if (outputs === null) continue;
			const isChoice = vectors.bundle.task === "multiple-choice";
			stored = isChoice ? [outputs] : vector.input_ids.map((_, index) => rowOf(outputs, index));
			const answer = toDict(await session.request(vector.call));
			expect(stored, JSON.stringify(vector.call)).toEqual([]);
			expect([...differences(answer, vector.answer)], JSON.stringify(vector.call)).toEqual([]);
			const runs = engine.runs.splice(0);
			if (vector.masked_positions) {
				expect(runs.map((run) => [...(run.masked_positions?.data ?? [])])).toEqual(vector.masked_positions);
			}
			const ids = runs.map((run) => [...(run.input_ids?.data ?? [])]);
			expect(ids.flat()).toEqual(isChoice ? vector.input_ids.flat(2) : unpadded(vector));
			answered++;
		}
		expect(answered).toBeGreaterThan(0);
		for (const { call, type, message } of vectors.errors) {
			const error: unknown = await session.request(call).catch((thrown: unknown) => thrown);
			expect(error).toBeInstanceOf(AlbertError);
			expect([(error as Error).name, (error as Error).message]).toEqual([type, message]);
		}
	});
});

/** The outputs of all sequences; null if the vector holds only some of their values. */
function wholeOutputs(vector: Vector): Outputs | null {
	const outputs: Outputs = {};
	for (const [name, { shape, float32 }] of Object.entries(vector.outputs)) {
		if (float32 === undefined) return null;
		const bytes = Uint8Array.from(Buffer.from(float32, "base64"));
		outputs[name] = { dims: shape, data: new Float32Array(bytes.buffer) };
	}
	return outputs;
}

function rowOf(outputs: Outputs, index: number): Outputs {
	const rows = Object.entries(outputs).map(([name, { dims, data }]): [string, Tensor] => {
		const size = data.length / (dims[0] as number);
		return [name, { dims: [1, ...dims.slice(1)], data: data.slice(index * size, (index + 1) * size) }];
	});
	return Object.fromEntries(rows);
}

function unpadded(vector: Vector): number[] {
	const [ids, mask] = [vector.input_ids.flat(2) as number[], vector.attention_mask.flat(2) as number[]];
	return ids.filter((_, place) => mask[place] === 1);
}

/** The places in which an answer differs from a stored one, whose places in code points are passed over. */
function* differences(got: unknown, wanted: unknown, path = "answer"): Generator<string> {
	if (typeof wanted === "number" && typeof got === "number") {
		const allowed = Number.isInteger(wanted) && Number.isInteger(got) ? 0 : TOLERANCE;
		if (!(Math.abs(got - wanted) <= allowed)) yield `${path}: ${got}, was ${wanted}`;
	} else if (typeof wanted !== "object" || wanted === null || typeof got !== "object" || got === null) {
		if (got !== wanted) yield `${path}: ${JSON.stringify(got)}, was ${JSON.stringify(wanted)}`;
	} else if (Array.isArray(wanted) && (got as unknown[]).length !== wanted.length) {
		yield `${path}: ${(got as unknown[]).length} and not ${wanted.length} of them`;
	} else {
		for (const [name, value] of Object.entries(wanted)) {
			if (`${name}_utf16` in wanted) continue;
			yield* differences((got as Record<string, unknown>)[name.replace(/_utf16$/, "")], value, `${path}.${name}`);
		}
	}
}
