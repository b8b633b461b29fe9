/** The n-best answers to a question: the most probable passages of its contexts, and the answer that there is none. */

import type { Answer } from "../answers";
import type { Spans, TokenizedContext } from "../contexts";
import type { Tensor } from "../tensors";
import type { TextWindow } from "../windows";
import { descending, finite, largestPlace, logSumExp } from "./probabilities";
import { type Passage, rankAnswers } from "./ranking";

/** The windows of one context, and for each the logits `[sequence]` for where an answer starts and ends. */
export interface ContextLogits {
	context: TokenizedContext;
	windows: readonly TextWindow[];
	starts: readonly Tensor[];
	ends: readonly Tensor[];
}

/** How the best answers are found. */
export interface AnswerOptions {
	topK: number;
	maxAnswerLen: number;
	/** extend passages to whole words, that is, to the next white space on each side */
	alignToWords: boolean;
	/** null if the empty answer is none of the answers; otherwise see `bestAnswers` and `bestBeamAnswers` */
	nullThreshold: number | null;
}

/**
 * The best answers, best first; fewer than `topK` if there are not so many different ones.
 *
 * A passage goes from a start token to an end token in the same window. Its score is P(start) * P(end), as in Hugging
 * Face's question-answering pipeline: both distributions are softmaxes over [CLS] and those tokens of the context in the
 * window that are `selectable`. P([CLS]) * P([CLS]) is the score of "there is no answer"; with several windows, the least
 * of them counts, because the answer need be in only one window. The empty answer ranks above a passage if the logarithm
 * of its score is larger by more than `nullThreshold`, which is `null_score_diff_threshold` of run_squad.
 *
 * Throws a BundleError if the logits are not finite.
 */
export function bestAnswers(contexts: readonly ContextLogits[], options: AnswerOptions): Answer[] {
	const found: Passage[] = [];
	let logNull = Number.POSITIVE_INFINITY;
	contexts.forEach(({ context, windows, starts, ends }, contextIndex) => {
		const spans = options.alignToWords ? context.wordSpans : context.tokenSpans;
		windows.forEach((window, number) => {
			const logStarts = logProbabilities(starts[number] as Tensor, window, context);
			const logEnds = logProbabilities(ends[number] as Tensor, window, context);
			logNull = Math.min(logNull, (logStarts[0] as number) + (logEnds[0] as number));
			const different = new Set<string>();
			for (const passage of passages(logStarts.subarray(1), logEnds.subarray(1), spans, window, options)) {
				found.push({ ...passage, contextIndex });
				different.add(context.text.substring(passage.start, passage.end));
				if (different.size === options.topK) break;
			}
		});
	});
	return rankAnswers(
		contexts.map((one) => one.context.text),
		found,
		{
			topK: options.topK,
			nullScore: Math.exp(logNull),
			nullRank: options.nullThreshold === null ? null : logNull - options.nullThreshold,
		},
	);
}

/** The logarithms of the probabilities of [CLS] and of each token of the context in the window, in that order. */
function logProbabilities(logits: Tensor, window: TextWindow, context: TokenizedContext): Float64Array {
	const given = new Float32Array(1 + window.end - window.begin);
	given[0] = logits.data[0] as number;
	given.set(logits.data.subarray(window.begin, window.end), 1);
	const values = finite(given);
	for (let place = 1; place < values.length; place++) {
		if (!context.selectable[window.first + place - 1]) values[place] = Number.NEGATIVE_INFINITY;
	}
	const all = logSumExp(values);
	return values.map((one) => one - all);
}

/** The passages of one window, best first; only one if `topK` is 1. */
function* passages(
	logStarts: Float64Array,
	logEnds: Float64Array,
	spans: Spans,
	window: TextWindow,
	options: AnswerOptions,
): Generator<Omit<Passage, "contextIndex">> {
	const count = logStarts.length;
	const longest = Math.min(options.maxAnswerLen, count);
	if (longest === 0) return;
	// The sum at `first * longest + extra` is for the passage from token `first` to token `first + extra`.
	const sums = new Float64Array(count * longest).fill(Number.NEGATIVE_INFINITY);
	for (let first = 0; first < count; first++) {
		for (let extra = 0; extra < longest && first + extra < count; extra++) {
			const last = window.first + first + extra;
			// Models may start an answer at a bare "▁", because a word begins there, but no answer ends at one: it has no
			// characters, unless it is extended to a word.
			if (spans.starts[last] === spans.ends[last]) continue;
			sums[first * longest + extra] = (logStarts[first] as number) + (logEnds[first + extra] as number);
		}
	}
	for (const place of options.topK === 1 ? [largestPlace(sums)] : descending(sums)) {
		const logScore = sums[place] as number;
		if (logScore === Number.NEGATIVE_INFINITY) return;
		const first = window.first + Math.floor(place / longest);
		yield { logScore, start: spans.starts[first] as number, end: spans.ends[first + (place % longest)] as number };
	}
}
