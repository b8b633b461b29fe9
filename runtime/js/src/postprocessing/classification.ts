/** Labels of a text, the best of several choices, and the order of two texts. */

import type { Choice, Filled, Label, SentenceOrder } from "../answers";
import type { Tensor } from "../tensors";
import { checkLabelCount, descending, finite, largestPlace, sigmoid, softmax } from "./probabilities";

/** what turns logits into scores, by the names of Hugging Face's `function_to_apply` */
const FUNCTIONS: Readonly<Record<string, (logits: ArrayLike<number>) => Float64Array>> = {
	softmax,
	sigmoid: (logits) => finite(logits).map(sigmoid),
	none: finite,
};
/** the names of the functions that turn logits into scores */
export const FUNCTION_NAMES: readonly string[] = Object.keys(FUNCTIONS);

/**
 * The function that turns logits into scores if a call names none, as in Hugging Face's text-classification pipeline:
 * the logit itself if config.json says "regression", a sigmoid if there is one label or if several may apply, otherwise
 * a softmax.
 */
export function defaultFunction(problemType: unknown, labelCount: number): string {
	if (problemType === "regression") return "none";
	return problemType === "multi_label_classification" || labelCount === 1 ? "sigmoid" : "softmax";
}

/** How the labels of a text are chosen. */
export interface LabelChoice {
	/** the value of "problem_type" in config.json */
	problemType: unknown;
	functionToApply: string | undefined;
	/** how many labels to return; undefined for all */
	topK: number | undefined;
	/** the least score of a label that is returned */
	threshold: number | undefined;
}

/**
 * The labels of a text with their scores, best first.
 *
 * Throws a BundleError if there are more or fewer logits than labels, or if they are not finite.
 */
export function labelText(logits: Tensor, labels: readonly string[], choice: LabelChoice): Label[] {
	checkLabelCount(logits.data.length, labels);
	const name = choice.functionToApply ?? defaultFunction(choice.problemType, labels.length);
	const scores = (FUNCTIONS[name] ?? softmax)(logits.data);
	const best = labelled(scores, labels).slice(0, choice.topK);
	return best.filter((one) => choice.threshold === undefined || one.score >= choice.threshold);
}

/** Which outputs of an NLI model zero-shot classification reads. */
export interface ZeroShotColumns {
	entailment: number;
	contradiction: number;
	/** each score is a probability by itself; if false, the scores of all labels sum to 1 */
	multiLabel: boolean;
}

/**
 * The candidate labels of a text with their scores, best first, as in Hugging Face's zero-shot pipeline.
 *
 * `logits` has one row for each candidate. Throws a BundleError if they are not finite.
 */
export function zeroShot(logits: readonly Tensor[], labels: readonly string[], columns: ZeroShotColumns): Label[] {
	const entailment = logits.map((one) => one.data[columns.entailment] ?? Number.NaN);
	if (columns.multiLabel || labels.length === 1) {
		const scores = logits.map((one, index) => {
			const pair = softmax([one.data[columns.contradiction] ?? Number.NaN, entailment[index] as number]);
			return pair[1] as number;
		});
		return labelled(scores, labels);
	}
	return labelled(softmax(entailment), labels);
}

/** The best of `choices`, from one logit for each. */
export function choose(logits: ArrayLike<number>, choices: readonly string[]): Choice {
	const scores = softmax(logits);
	const index = largestPlace(scores);
	return { index, text: choices[index] as string, score: scores[index] as number, scores: [...scores] };
}

/** The order of two texts from its two logits: 0 is in order, 1 is swapped (ALBERT paper, section 3.1). */
export function judgeOrder(logits: Tensor, filled: Filled[][]): SentenceOrder {
	const scores = softmax(logits.data);
	const inOrder = (scores[0] as number) >= (scores[1] as number);
	return { label: inOrder ? "in order" : "swapped", inOrder, score: Math.max(...scores), filled };
}

function labelled(scores: ArrayLike<number>, labels: readonly string[]): Label[] {
	return descending(scores).map((index) => ({ label: labels[index] as string, score: scores[index] as number }));
}
