/** The n-best answers of Google's head for SQuAD v2.0, which names the best starts, and the best ends for each. */

import type { Answer } from "../answers";
import type { TokenizedContext } from "../contexts";
import { leftStrip, rightStrip } from "../white-space";
import type { TextWindow } from "../windows";
import type { Beams } from "./beams";
import type { AnswerOptions } from "./n-best";
import { logit, sigmoid } from "./probabilities";
import { type Passage, rankAnswers } from "./ranking";

/** The windows of one context, and the beams of each. */
export interface ContextBeams {
	context: TokenizedContext;
	windows: readonly TextWindow[];
	beams: readonly Beams[];
}

/**
 * The best answers, best first; at least one, and fewer than `topK` if there are not so many different ones.
 *
 * As in `accumulate_predictions_v2` and `write_predictions_v2` of google-research/albert `squad_utils.py`, a passage goes
 * from a start of the beam to one of the ends found for it, and its score is P(start) * P(end | start). Of a token in
 * several windows, only the window that shows most around it may start an answer there. `nullScore` is the sigmoid of the
 * least `cls_logits` of all windows. With `nullThreshold`, the empty answer is the best one if that logit is above it,
 * and comes after all passages otherwise.
 *
 * Throws a BundleError if the outputs are not finite.
 */
export function bestBeamAnswers(contexts: readonly ContextBeams[], options: AnswerOptions): Answer[] {
	const nullScore = sigmoid(Math.min(...contexts.flatMap((one) => one.beams.map((beams) => beams.clsLogit))));
	// The logit of the rounded score is compared, since that is what thresholds are made of.
	const isNull = options.nullThreshold !== null && logit(nullScore) > options.nullThreshold;
	const most = isNull ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
	const answers = rankAnswers(
		contexts.map((one) => one.context.text),
		contexts.flatMap((one, index) => [...passages(one, index, options)]),
		{ topK: options.topK, nullScore, nullRank: options.nullThreshold === null ? null : most },
	);
	// If no start of any window has an end behind it, Google's script writes an empty answer too.
	return answers.length ? answers : [{ text: "", score: 0, start: 0, end: 0, nullScore, contextIndex: 0 }];
}

/** The passages of one context that its windows' beams hold and that can be answers. */
function* passages(found: ContextBeams, contextIndex: number, options: AnswerOptions): Generator<Passage> {
	const { context, windows } = found;
	const spans = options.alignToWords ? context.wordSpans : context.tokenSpans;
	const best = bestWindows(windows);
	for (const [number, window] of windows.entries()) {
		const beams = found.beams[number] as Beams;
		const length = window.end - window.begin;
		for (const [place, position] of beams.starts.entries()) {
			const start = position - window.begin;
			if (!(start >= 0 && start < length && best[window.first + start] === number)) continue;
			const ends = beams.ends[place];
			for (const [which, endPosition] of (ends?.positions ?? []).entries()) {
				const end = endPosition - window.begin;
				if (!(start <= end && end < Math.min(length, start + options.maxAnswerLen))) continue;
				let first = spans.starts[window.first + start] as number;
				let last = spans.ends[window.first + end] as number;
				const text = context.text.substring(first, Math.max(first, last));
				[first, last] = [last - leftStrip(text).length, first + rightStrip(text).length];
				// A bare "▁" has no characters, and an empty answer would say that there is none.
				if (first < last) {
					const logScore = (beams.startLogProbs[place] as number) + (ends?.logProbs[which] as number);
					yield { logScore, start: first, end: last, contextIndex };
				}
			}
		}
	}
}

/**
 * For each token, the window that shows most around it.
 *
 * This is `_check_is_max_context` of squad_utils.py: what counts is the side on which a window shows less.
 */
function bestWindows(windows: readonly TextWindow[]): Int32Array {
	const lastWindow = windows.at(-1);
	const count = lastWindow === undefined ? 0 : lastWindow.first + lastWindow.end - lastWindow.begin;
	const best = new Int32Array(count);
	const scores = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
	for (const [number, window] of windows.entries()) {
		const length = window.end - window.begin;
		for (let place = 0; place < length; place++) {
			const score = Math.min(place, length - 1 - place) + 0.01 * length;
			if (score > (scores[window.first + place] as number)) {
				scores[window.first + place] = score;
				best[window.first + place] = number;
			}
		}
	}
	return best;
}
