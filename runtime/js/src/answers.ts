/**
 * The answers of sessions: one interface for each kind of answer.
 *
 * `start` and `end` count UTF-16 code units of the text that was given, so `text.substring(start, end)` is the passage.
 * A score is a probability from 0 to 1, except for regression labels, where it is the predicted value.
 */

/** A passage of the context that answers the question. The empty answer, from 0 to 0, says that there is none. */
export interface Answer {
	text: string;
	score: number;
	start: number;
	end: number;
	/** the probability that the context holds no answer */
	nullScore: number;
	/** which context it is, counted from 0, if the question was asked about several */
	contextIndex: number;
}

/** A label of the whole text, and its score. */
export interface Label {
	label: string;
	score: number;
}

/** A named thing in the text; `text` is what stands from `start` to `end` in the text that was given. */
export interface Entity {
	/** the kind of the entity, such as "PER"; with the strategy "none" the label of a token, such as "B-PER" */
	label: string;
	text: string;
	score: number;
	start: number;
	end: number;
	/** the text as the tokens spell it; with the strategy "none" the piece of the vocabulary */
	word: string;
	/** the position of the token in the sequence, where [CLS] is 0; only with the strategy "none" */
	index?: number;
	/** the entity is `words.slice(startWord, endWord)`; only if the text was given as words */
	startWord?: number;
	endWord?: number;
}

/** A piece that may stand in place of a [MASK]. */
export interface Filled {
	/** the piece, without the mark of its leading space */
	token: string;
	tokenId: number;
	score: number;
	/** the whole text that was given, with this piece in place of the mask; other masks stay */
	text: string;
}

/** The choice that goes best with the prompt. */
export interface Choice {
	index: number;
	text: string;
	score: number;
	/** the probability of every choice, in the order given */
	scores: number[];
}

/** Whether two texts are in the order in which they were written. */
export interface SentenceOrder {
	label: "in order" | "swapped";
	inOrder: boolean;
	/** the probability of `label` */
	score: number;
	/** the pieces for each [MASK] in the two texts, best first */
	filled: Filled[][];
}

/** A text as vectors. */
export interface Embedding {
	/** one vector of the text */
	vector: Float32Array;
	/** the last hidden state: a vector for [CLS], each token of the text, and [SEP] */
	tokens: Float32Array[];
}

/** An answer, or a list of answers, as the JSON types that `to_dict()` of the Python package gives. */
export function toDict(answer: unknown): unknown {
	if (answer instanceof Float32Array) return [...answer];
	if (Array.isArray(answer)) return answer.map(toDict);
	if (answer === null || typeof answer !== "object") return answer;
	const fields = Object.entries(answer).filter(([, value]) => value !== undefined);
	return Object.fromEntries(fields.map(([name, value]) => [snakeCase(name), toDict(value)]));
}

function snakeCase(name: string): string {
	return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
