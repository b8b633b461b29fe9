/** The ranking of the passages that were found for a question, with the answer that there is none among them. */

import type { Answer } from "../answers";

/** What stands from `start` to `end` in a context, and the logarithm of the passage's probability. */
export interface Passage {
	logScore: number;
	start: number;
	end: number;
	contextIndex: number;
}

/** How passages are ranked. */
export interface RankOptions {
	topK: number;
	/** the probability that there is no answer */
	nullScore: number;
	/** what stands for the logarithm of the empty answer's score among the passages; null leaves it out */
	nullRank: number | null;
}

/**
 * The best answers, best first; fewer than `topK` if there are not so many different ones.
 *
 * Passages with the same text in one context are one answer, the most probable of them. Where scores are equal, the
 * passage that comes first in the contexts is the better one.
 */
export function rankAnswers(texts: readonly string[], passages: Iterable<Passage>, options: RankOptions): Answer[] {
	const found = new Map<string, Passage>();
	for (const passage of passages) {
		const key = `${passage.contextIndex} ${textOf(texts, passage)}`;
		const known = found.get(key);
		if (known === undefined || passage.logScore > known.logScore) found.set(key, passage);
	}
	const ordered = [...found.values()].sort(
		(one, other) => one.start - other.start || one.end - other.end || one.contextIndex - other.contextIndex,
	);
	const ranked = ordered.map((passage) => ({ rank: passage.logScore, score: Math.exp(passage.logScore), passage }));
	if (options.nullRank !== null) {
		const nothing = { logScore: 0, start: 0, end: 0, contextIndex: 0 };
		ranked.push({ rank: options.nullRank, score: options.nullScore, passage: nothing });
	}
	ranked.sort((one, other) => compare(other.rank, one.rank)); // the sort is stable
	return ranked.slice(0, options.topK).map(({ score, passage }) => ({
		text: textOf(texts, passage),
		score,
		start: passage.start,
		end: passage.end,
		nullScore: options.nullScore,
		contextIndex: passage.contextIndex,
	}));
}

function textOf(texts: readonly string[], passage: Passage): string {
	return (texts[passage.contextIndex] ?? "").substring(passage.start, passage.end);
}

/** Like a subtraction, but right for infinities too. */
function compare(one: number, other: number): number {
	return one < other ? -1 : one > other ? 1 : 0;
}
