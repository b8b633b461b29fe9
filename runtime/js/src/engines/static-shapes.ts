/** Graphs of static shapes take one sequence; larger batches are computed one by one. The twin of `static_shapes.py`. */

import type { IdTensor, Inputs, Outputs } from "../tensors";

/**
 * The outputs of all sequences, computed one after the other and joined along the leading axes.
 *
 * @param inputs tensors of the same shape, whose last axis is the sequence
 * @param names the inputs that the graph takes
 * @param runRow computes one sequence, in which every other axis has the size 1
 */
export async function runRows(
	inputs: Inputs,
	names: readonly string[],
	runRow: (row: Inputs) => Promise<Outputs>,
): Promise<Outputs> {
	const first = inputs[names[0] as string] as IdTensor;
	const length = first.dims.at(-1) as number;
	const leading = first.dims.slice(0, -1);
	const dims = [...leading.map(() => 1), length];
	const parts: Outputs[] = [];
	for (let start = 0; start < first.data.length; start += length) {
		const row = names.map((name) => {
			const { data } = inputs[name] as IdTensor;
			return [name, { dims, data: data.slice(start, start + length) }] as const;
		});
		parts.push(await runRow(Object.fromEntries(row)));
	}
	return Object.fromEntries(
		Object.entries(parts[0] ?? {}).map(([name, one]) => {
			const data = new Float32Array(one.data.length * parts.length);
			parts.forEach((part, index) => {
				data.set((part[name] as Outputs[string]).data, index * one.data.length);
			});
			return [name, { dims: [...leading, ...one.dims.slice(leading.length)], data }];
		}),
	);
}
