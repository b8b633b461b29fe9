/** Token labels -> entities: the postprocessing of token classification. */

import type { Entity } from "../answers";
import type { LabelledTokens } from "./labelled-tokens";
import { checkLabelCount, largestPlace, softmaxRows } from "./probabilities";
import { groupTags, type Range, readTag, type Tag } from "./tags";
import { labelWords } from "./word-labels";

/** "words" is this package's own; the others are those of Hugging Face's token classification pipeline */
export const AGGREGATION_STRATEGIES = ["words", "none", "simple", "first", "average", "max"] as const;
/** The name of a strategy. */
export type AggregationStrategy = (typeof AGGREGATION_STRATEGIES)[number];

/** What one tag is given to: a token or a word. */
interface Part {
	tag: Tag;
	/** null if the score of the entity does not depend on this part */
	score: number | null;
	tokens: Range;
	start: number;
	end: number;
}

/**
 * The entities of a text, in its order.
 *
 * Every strategy but "none" groups neighbours by their tags, see `groupTags`; the score of an entity is the mean of the
 * scores of its parts. The strategies differ in what the parts are, and which label a part has:
 *
 * - "words": words, as `splitWords` finds them, or as they were given. A word has the label of its first token.
 * - "none": each token is an answer of its own, with the whole label ("B-PER").
 * - "simple": tokens.
 * - "first", "average", "max": what stands between two spaces, punctuation included. Its label is that of its first
 *   token, or the best of the mean of its tokens' probabilities, or that of the token that is surest.
 *
 * Throws a BundleError if there are more or fewer logits than labels, or if they are not finite.
 */
export function findEntities(
	tokens: LabelledTokens,
	labels: readonly string[],
	strategy: AggregationStrategy,
	ignoreLabels: readonly string[],
): Entity[] {
	checkLabelCount(tokens.logits.dims[1] ?? 0, labels);
	if (!tokens.tokens.length) return [];
	if (strategy === "none") return tokenAnswers(tokens, labels).filter((one) => !ignoreLabels.includes(one.label));
	const parts = partsOf(tokens, labels, strategy);
	return groupTags(parts.map((part) => part.tag))
		.map((group) => parts.slice(group.start, group.stop))
		.filter((group) => !ignoreLabels.includes((group[0] as Part).tag.kind))
		.map((group) => entity(tokens, group));
}

/** An answer for each token. */
function tokenAnswers(tokens: LabelledTokens, labels: readonly string[]): Entity[] {
	const scores = softmaxRows(tokens.logits);
	return tokens.labelIds.map((best, token) => {
		const { start, end } = tokens.offset(token);
		return {
			label: labels[best] as string,
			text: tokens.text.substring(start, end),
			score: scores[token]?.[best] as number,
			start,
			end,
			word: tokens.piece(token),
			index: token + 1,
			...wordSpan(tokens, { start: token, stop: token + 1 }),
		};
	});
}

/** What the tags of the text are given to, in order. */
function partsOf(tokens: LabelledTokens, labels: readonly string[], strategy: AggregationStrategy): Part[] {
	if (strategy === "words") return labelWords(tokens, labels).map((word) => ({ ...word, tag: readTag(word.label) }));
	const count = tokens.tokens.length;
	const all = Array.from({ length: count }, (_, token) => token);
	const starts = strategy === "simple" ? all : all.filter((token) => tokens.startsWord(token));
	const scores = softmaxRows(tokens.logits);
	return starts.map((start, place) => {
		const own = { start, stop: starts[place + 1] ?? count };
		const ofWord = wordScores(scores.slice(own.start, own.stop), strategy);
		const best = largestPlace(ofWord);
		const tag = readTag(labels[best] as string);
		return { tag, score: ofWord[best] as number, tokens: own, ...tokens.span(own) };
	});
}

/** The probabilities of the labels of one word, from those of its tokens. */
function wordScores(scores: readonly Float64Array[], strategy: AggregationStrategy): Float64Array {
	const first = scores[0] as Float64Array;
	if (strategy === "average") {
		return first.map((_, label) => scores.reduce((sum, one) => sum + (one[label] as number), 0) / scores.length);
	}
	if (strategy !== "max") return first;
	return scores[largestPlace(scores.map((one) => one[largestPlace(one)] as number))] as Float64Array;
}

/** The entity that neighbouring parts form. */
function entity(tokens: LabelledTokens, parts: readonly Part[]): Entity {
	const [first, last] = [parts[0] as Part, parts.at(-1) as Part];
	const own = { start: first.tokens.start, stop: last.tokens.stop };
	// A part of no characters is the mark of a space; its place is the next word, which may not be in the entity.
	const seen = parts.filter((part) => part.start < part.end);
	const visible = seen.length ? seen : parts.slice(0, 1);
	const [start, end] = [(visible[0] as Part).start, (visible.at(-1) as Part).end];
	const scores = parts.map((part) => part.score).filter((score) => score !== null);
	return {
		label: first.tag.kind,
		text: tokens.text.substring(start, end),
		score: scores.reduce((sum, one) => sum + one, 0) / scores.length,
		start,
		end,
		word: tokens.spell(own),
		...wordSpan(tokens, own),
	};
}

/** The numbers (first, one behind the last) of the given words that the tokens are in; nothing if none were given. */
function wordSpan(tokens: LabelledTokens, own: Range): Pick<Entity, "startWord" | "endWord"> {
	if (tokens.words === null) return {};
	return { startWord: tokens.wordIds[own.start] as number, endWord: (tokens.wordIds[own.stop - 1] as number) + 1 };
}
