/** LabelledWord: the words of a text, each with the label of its first token. */

import type { LabelledTokens } from "./labelled-tokens";
import { softmaxRows } from "./probabilities";
import { OUTSIDE, type Range, readTag, type Tag } from "./tags";
import { bisectRight, isAbbreviation, isUnspaced, type Role, roleOf, splitWords, type Word } from "./words";

/**
 * the punctuation that may stand inside an entity although the model's label says that it is outside: a period, and the
 * dots between the parts of foreign names. The label of other punctuation, such as a comma, is more often right than not.
 */
const INNER_PUNCTUATION: ReadonlySet<string> = new Set([".", "\u00b7", "\u30fb"]);

/** A word that has at least one token, and its label. */
export interface LabelledWord {
	start: number;
	end: number;
	role: Role;
	/** the numbers of its tokens */
	tokens: Range;
	label: string;
	/** the probability of the label; null for what is in an entity without the model's saying so */
	score: number | null;
	/** the probability of "O"; null if the model has no such label */
	outside: number | null;
}

/**
 * The words that have tokens, in order, each with the label of its first token.
 *
 * Models are trained on the first token of each word, so the labels of the others mean nothing. In a script without
 * spaces each token is a word; if the mark of a space before a token is outside, the token itself decides. Three labels
 * are not the model's:
 *
 * - Punctuation or a possessive inside an entity is part of it: if the word after it continues the entity that stands
 *   before it, the label between them does not matter ("Natl. Airport").
 * - A dash and a possessive that `splitWords` has split off are outside.
 * - Punctuation that `splitWords` has split off does not begin an entity.
 *
 * The last two do not hold for words that were given: those have the labels of words that the model was trained on.
 */
export function labelWords(tokens: LabelledTokens, labels: readonly string[]): LabelledWord[] {
	const words = withTokens(tokens, labels);
	if (tokens.words !== null) return bridge(words, tokens.text);
	const split = words.map((word) => (word.role === "dash" || word.role === "possessive" ? asOutside(word) : word));
	return dropLeadingPunctuation(bridge(split, tokens.text));
}

/** The words that have tokens, each with the model's label for its first token. */
function withTokens(tokens: LabelledTokens, labels: readonly string[]): LabelledWord[] {
	const words = wordsOf(tokens);
	const probabilities = softmaxRows(tokens.logits);
	const labelIds = tokens.labelIds;
	const outside = labels.indexOf(OUTSIDE);
	const given = tokens.words !== null;
	const labelled: LabelledWord[] = [];
	for (const own of runs(owners(tokens, words), (one, other) => one === other)) {
		const word = words[own.value];
		if (word === undefined) continue;
		const { start, end } = tokens.span(own);
		let deciding = own.start;
		const several = own.stop - own.start > 1;
		if (labelIds[deciding] === outside && several && isMarkBeforeUnspaced(tokens, deciding, word)) deciding++;
		const best = labelIds[deciding] as number;
		labelled.push({
			start: given ? word.start : Math.max(word.start, start),
			end: given ? word.end : Math.min(word.end, end),
			role: word.role,
			tokens: { start: own.start, stop: own.stop },
			label: labels[best] as string,
			score: probabilities[deciding]?.[best] as number,
			outside: outside < 0 ? null : (probabilities[deciding]?.[outside] as number),
		});
	}
	return labelled;
}

/** Whether a token is nothing but the mark of the space before a word of a script without spaces. */
function isMarkBeforeUnspaced(tokens: LabelledTokens, token: number, word: Word): boolean {
	const { start, end } = tokens.offset(token);
	return tokens.words === null && start === end && isUnspaced(tokens.text.substring(word.start, word.end));
}

/** The words that were given, or those of the text. */
function wordsOf(tokens: LabelledTokens): Word[] {
	if (tokens.words !== null) {
		return tokens.words.map((one) => ({ ...one, role: roleOf(tokens.text.substring(one.start, one.end)) }));
	}
	const starts = tokens.offsets.map((one) => one.start);
	const changes = starts.filter((_, token) => token > 0 && tokens.wordIds[token] !== tokens.wordIds[token - 1]);
	return splitWords(tokens.text, starts, changes);
}

/** The number of the word that each token belongs to; the number of words for a token behind the last one. */
function owners(tokens: LabelledTokens, words: readonly Word[]): number[] {
	if (tokens.words !== null) return tokens.wordIds.map((number) => (number < 0 ? words.length : number));
	// A token that stands for no character is the mark of the space before a word, and is the first token of that word.
	const ends = words.map((word) => word.end);
	return tokens.offsets.map((one) => bisectRight(ends, one.start));
}

/** The word with the label "O"; unchanged if the model has no such label, because then every word has another. */
function asOutside(word: LabelledWord): LabelledWord {
	return word.outside === null ? word : { ...word, label: OUTSIDE, score: word.outside };
}

/** The words, where punctuation and possessives inside an entity have its label. */
function bridge(words: readonly LabelledWord[], text: string): LabelledWord[] {
	const inner = words.map((word) => word.role === "punctuation" || word.role === "possessive");
	const bridged: LabelledWord[] = [];
	let opened: Tag | null = null;
	for (const { start, stop, value } of runs(inner, (one, other) => one === other)) {
		let run = words.slice(start, stop);
		const [before, following] = [bridged.at(-1), words[stop]];
		if (opened && before && following && value && isInside(opened, before, run, following, text)) {
			const kind: string = opened.kind;
			const label = readTag(following.label).position === "I" ? following.label : `I-${kind}`;
			run = run.map((word) => (word.label === label ? word : { ...word, label, score: null }));
		}
		for (const word of run) opened = openAfter(opened, readTag(word.label));
		bridged.push(...run);
	}
	return bridged;
}

/** Whether the punctuation and possessives `run` are inside an entity, which began with `opened`. */
function isInside(
	opened: Tag,
	before: LabelledWord,
	run: readonly LabelledWord[],
	following: LabelledWord,
	text: string,
): boolean {
	const next = readTag(following.label);
	if (next.kind !== opened.kind || next.begins) return false;
	const surface = (word: LabelledWord): string => text.substring(word.start, word.end);
	const foreign = (word: LabelledWord): boolean => [...surface(word)].some((sign) => !INNER_PUNCTUATION.has(sign));
	if (run.some((word) => word.role === "punctuation" && foreign(word))) return false;
	// Without a B- this is not sure: names with equal labels may stand on both sides of a period. Then the word before
	// the period must be an abbreviation or an initial.
	const core = surface(before);
	const between = text.substring(run[0]?.start ?? 0, run.at(-1)?.end ?? 0);
	return opened.position === "B" || (between === "." && ([...core].length === 1 || isAbbreviation(core)));
}

/** The words, where punctuation that would begin an entity is outside. */
function dropLeadingPunctuation(words: readonly LabelledWord[]): LabelledWord[] {
	let opened: Tag | null = null;
	return words.map((word) => {
		const tag = readTag(word.label);
		const continues = opened !== null && tag.kind === opened.kind && !tag.begins;
		const kept = word.role === "punctuation" && !continues ? asOutside(word) : word;
		opened = openAfter(opened, readTag(kept.label));
		return kept;
	});
}

/** The first tag of the entity that is open after `tag`, where the one that began with `opened` was open before. */
function openAfter(opened: Tag | null, tag: Tag): Tag | null {
	if (tag.ends || tag.kind === OUTSIDE) return null;
	return opened !== null && tag.kind === opened.kind && !tag.begins ? opened : tag;
}

/** Neighbours that are equal, as ranges. */
function runs<T>(values: readonly T[], equal: (one: T, other: T) => boolean): (Range & { value: T })[] {
	const found: (Range & { value: T })[] = [];
	values.forEach((value, place) => {
		const last = found.at(-1);
		if (last !== undefined && equal(last.value, value)) last.stop = place + 1;
		else found.push({ start: place, stop: place + 1, value });
	});
	return found;
}
