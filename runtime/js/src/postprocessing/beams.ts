/** Beams: the most probable starts of an answer in one sequence, and for each of them the most probable ends. */

import { type Outputs, output, row, type Tensor } from "../tensors";
import { finite } from "./probabilities";

/** Positions that can't be in an answer have the score -10000. No other log-probability is nearly as small. */
const MASKED = -5e3;
/** what such a position has when outputs are compared: far from every log-probability, and finite */
const MASKED_COMPARED = -1e4;

/** The ends that were found for one start, best first. */
interface Ends {
	positions: number[];
	logProbs: number[];
}

/** The outputs of the head "beam-search" for one sequence, best first. */
export interface Beams {
	starts: number[];
	startLogProbs: number[];
	/** for each start */
	ends: Ends[];
	/** the logit of "there is no answer" */
	clsLogit: number;
}

/**
 * The beams in the outputs for one sequence, without the batch axis.
 *
 * Throws a BundleError if the log-probabilities or the logit are not finite.
 */
export function beamsOf(outputs: Outputs): Beams {
	const startLogProbs = [...finite(output(outputs, "start_top_log_probs").data)];
	const endLogProbs = [...finite(output(outputs, "end_top_log_probs").data)];
	const ends = [...output(outputs, "end_top_index").data];
	const width = endLogProbs.length / startLogProbs.length;
	return {
		starts: [...output(outputs, "start_top_index").data],
		startLogProbs,
		ends: startLogProbs.map((_, place) => ({
			positions: ends.slice(place * width, (place + 1) * width),
			logProbs: endLogProbs.slice(place * width, (place + 1) * width),
		})),
		clsLogit: finite(output(outputs, "cls_logits").data)[0] as number,
	};
}

/** Numbers of two graphs that can be compared one by one. */
export interface Aligned {
	got: Record<string, number[]>;
	expected: Record<string, number[]>;
}

/**
 * The outputs of two graphs for the same batch, as arrays that can be compared number by number.
 *
 * Rounding changes the order of positions that are nearly equally probable, and which of them is the last one in a beam.
 * So each position in either beam is compared: one that a beam lacks counts there like the beam's last, which is at least
 * as probable. The ends are compared for the starts that both have. Positions that are masked in both are left out.
 */
export function aligned(got: Outputs, expected: Outputs): Aligned {
	const starts: [number, number][] = [];
	const ends: [number, number][] = [];
	const clsGot = [...output(got, "cls_logits").data];
	const clsExpected = [...output(expected, "cls_logits").data];
	for (let index = 0; index < clsExpected.length; index++) {
		const one = beamsOf(rowOf(got, index));
		const other = beamsOf(rowOf(expected, index));
		starts.push(...pairs(one.starts, one.startLogProbs, other.starts, other.startLogProbs));
		one.starts.forEach((start, place) => {
			const there = other.starts.indexOf(start);
			if (there < 0 || (one.startLogProbs[place] as number) <= MASKED) return;
			const [mine, theirs] = [one.ends[place] as Ends, other.ends[there] as Ends];
			ends.push(...pairs(mine.positions, mine.logProbs, theirs.positions, theirs.logProbs));
		});
	}
	const side = (index: 0 | 1, cls: number[]): Record<string, number[]> => ({
		start_log_probs: starts.map((pair) => pair[index]),
		end_log_probs: ends.map((pair) => pair[index]),
		cls_logits: cls,
	});
	return { got: side(0, clsGot), expected: side(1, clsExpected) };
}

function rowOf(outputs: Outputs, index: number): Outputs {
	const rows = Object.entries(outputs).map(([name, tensor]): [string, Tensor] => [name, row(tensor, index)]);
	return Object.fromEntries(rows);
}

/** The log-probabilities of each position in either beam, in both of them. */
function pairs(one: number[], oneProbs: number[], other: number[], otherProbs: number[]): [number, number][] {
	const [first, firstLast] = table(one, oneProbs);
	const [second, secondLast] = table(other, otherProbs);
	const positions = [...new Set([...first.keys(), ...second.keys()])].sort((a, b) => a - b);
	return positions
		.map((place): [number, number] => [first.get(place) ?? firstLast, second.get(place) ?? secondLast])
		.filter((pair) => pair[0] !== MASKED_COMPARED || pair[1] !== MASKED_COMPARED);
}

function table(positions: number[], logProbs: number[]): [Map<number, number>, number] {
	const compared = logProbs.map((one) => (one > MASKED ? one : MASKED_COMPARED));
	return [new Map(positions.map((place, index) => [place, compared[index] as number])), compared.at(-1) ?? Number.NaN];
}
