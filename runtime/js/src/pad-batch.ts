/** Several sequences of tokens -> the padded tensors that a graph takes. */

import { UsageError } from "./errors";
import type { IdTensor, Inputs } from "./tensors";
import type { Encoding } from "./tokenization/encoding";

/**
 * The three inputs, each `[batch, sequence]`.
 *
 * Throws a UsageError if there is no sequence, or one is longer than `length`.
 *
 * @param padTokenId the id that is appended to short sequences, with the attention mask 0 and the type id 0
 * @param length the length of every sequence after padding; null for that of the longest
 */
export function padBatch(encodings: readonly Encoding[], padTokenId: number, length: number | null): Inputs {
	const longest = encodings.reduce((most, one) => Math.max(most, one.length), 0);
	if (!longest) throw new UsageError("a batch needs one sequence at least, of one token at least");
	if (length !== null && longest > length) {
		throw new UsageError(`a sequence of ${longest} tokens does not fit the fixed length of ${length} tokens`);
	}
	const columns = length ?? longest;
	const dims = [encodings.length, columns];
	const filled = (value: number, values: (one: Encoding) => ArrayLike<number>) => {
		const data = new Int32Array(encodings.length * columns).fill(value);
		encodings.forEach((one, index) => {
			data.set(values(one), index * columns);
		});
		return { dims, data };
	};
	return {
		input_ids: filled(padTokenId, (one) => one.ids),
		attention_mask: filled(0, (one) => one.attentionMask),
		token_type_ids: filled(0, (one) => one.typeIds),
	};
}

/**
 * The places of the masks in each sequence, `[batch, masks]`, in order; see `MASKED_POSITIONS`. There are as many columns
 * as masks in the sequence with most of them, and one at least.
 *
 * @param ids `[batch, sequence]`
 */
export function maskedPositions(ids: IdTensor, maskTokenId: number): IdTensor {
	const [batch, length] = ids.dims as [number, number];
	const found: number[][] = Array.from({ length: batch }, () => []);
	ids.data.forEach((id, place) => {
		if (id === maskTokenId) found[Math.floor(place / length)]?.push(place % length);
	});
	const columns = Math.max(1, ...found.map((places) => places.length));
	const data = new Int32Array(batch * columns);
	found.forEach((places, row) => {
		data.set(places, row * columns);
	});
	return { dims: [batch, columns], data };
}
