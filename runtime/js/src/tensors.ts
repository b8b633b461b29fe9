/** Arrays of numbers with their shapes, which go into a graph and come out of it. */

/** The ids that a graph takes. Engines widen them to int64 where the graph asks for that. */
export interface IdTensor {
	readonly dims: readonly number[];
	readonly data: Int32Array;
}

/** What a graph computed. Positions, which are whole numbers, are held as float32 too. */
export interface Tensor {
	readonly dims: readonly number[];
	readonly data: Float32Array;
}

/** Tensor name -> ids. */
export type Inputs = Record<string, IdTensor>;
/** Tensor name -> numbers. */
export type Outputs = Record<string, Tensor>;

/** The element `index` of the first axis; it shares the memory of `tensor`. */
export function row(tensor: Tensor, index: number): Tensor {
	const dims = tensor.dims.slice(1);
	const size = product(dims);
	return { dims, data: tensor.data.subarray(index * size, (index + 1) * size) };
}

/** The number of elements of a tensor of this shape. */
export function product(dims: readonly number[]): number {
	return dims.reduce((size, axis) => size * axis, 1);
}

/** Tensors joined along the first axis; their other axes are equal. */
export function concatenate(tensors: readonly Tensor[]): Tensor {
	const [first] = tensors;
	if (first === undefined) return { dims: [0], data: new Float32Array(0) };
	const data = new Float32Array(tensors.reduce((size, one) => size + one.data.length, 0));
	let place = 0;
	for (const one of tensors) {
		data.set(one.data, place);
		place += one.data.length;
	}
	return { dims: [tensors.reduce((count, one) => count + (one.dims[0] ?? 0), 0), ...first.dims.slice(1)], data };
}

/** The output called `name`. A session has checked that the graph gives all outputs of its task. */
export function output(outputs: Outputs, name: string): Tensor {
	const found = outputs[name];
	if (found === undefined) throw new RangeError(`the engine gave no output ${name}`);
	return found;
}
