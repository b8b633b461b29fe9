/** Logits -> probabilities, and the checks that every kind of answer needs. */

import { BundleError } from "../errors";
import type { Tensor } from "../tensors";

/** the smallest normal float64, Python's `sys.float_info.min` */
const SMALLEST = 2.2250738585072014e-308;

/**
 * The logits in float64.
 *
 * Throws a BundleError if one is NaN or infinite, which a graph in half precision gives when it overflows.
 */
export function finite(logits: ArrayLike<number>): Float64Array {
	const values = Float64Array.from(logits);
	if (!values.every(Number.isFinite)) {
		throw new BundleError(
			"the model gave values that are not numbers (NaN or infinity); " +
				"export it again in a higher precision: albert-export onnx --precision fp32",
		);
	}
	return values;
}

/** Probabilities of one row of logits. Throws a BundleError if they are not finite. */
export function softmax(logits: ArrayLike<number>): Float64Array {
	const powers = finite(logits);
	const largest = powers.reduce((most, one) => Math.max(most, one), Number.NEGATIVE_INFINITY);
	let sum = 0;
	for (let place = 0; place < powers.length; place++) {
		powers[place] = Math.exp((powers[place] as number) - largest);
		sum += powers[place] as number;
	}
	return powers.map((one) => one / sum);
}

/** The probabilities of each row of logits `[rows, columns]`. */
export function softmaxRows(logits: Tensor): Float64Array[] {
	const columns = logits.dims[1] ?? 0;
	return Array.from({ length: logits.dims[0] ?? 0 }, (_, index) =>
		softmax(logits.data.subarray(index * columns, (index + 1) * columns)),
	);
}

/** The logarithm of a sum of powers: log(exp(v1) + exp(v2) + ...). Values may be -infinity. */
export function logSumExp(values: ArrayLike<number>): number {
	let largest = Number.NEGATIVE_INFINITY;
	for (let place = 0; place < values.length; place++) largest = Math.max(largest, values[place] as number);
	if (largest === Number.NEGATIVE_INFINITY) return largest;
	let sum = 0;
	for (let place = 0; place < values.length; place++) sum += Math.exp((values[place] as number) - largest);
	return largest + Math.log(sum);
}

/** The logarithm of a probability; that of 0 is the logarithm of the smallest number above it. */
export function logOf(probability: number): number {
	return Math.log(Math.max(probability, SMALLEST));
}

/** The probability whose logarithm of the odds is `value`; in a form that does not overflow. */
export function sigmoid(value: number): number {
	return Math.exp(-(Math.max(0, -value) + Math.log1p(Math.exp(-Math.abs(value)))));
}

/** The logarithm of the odds: the inverse of the sigmoid function. */
export function logit(probability: number): number {
	return logOf(probability) - logOf(1 - probability);
}

/** Check that there is one logit for each label. Throws a BundleError if there are more or fewer. */
export function checkLabelCount(count: number, labels: readonly string[]): void {
	if (count !== labels.length) {
		throw new BundleError(
			`the model gives ${count} scores, and the bundle's manifest names ${labels.length} labels: ` +
				`${labels.join(", ")}; export the model again`,
		);
	}
}

/** The place of the largest value; the first of them if several are equal. */
export function largestPlace(values: ArrayLike<number>): number {
	let best = 0;
	for (let place = 1; place < values.length; place++) {
		if ((values[place] as number) > (values[best] as number)) best = place;
	}
	return best;
}

/** The places of the values, largest first; equal ones stay in their order. */
export function descending(values: ArrayLike<number>): number[] {
	const places = Array.from({ length: values.length }, (_, place) => place);
	return places.sort((one, other) => (values[other] as number) - (values[one] as number) || one - other);
}
