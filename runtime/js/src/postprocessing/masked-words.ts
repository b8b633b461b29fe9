/** The best pieces for each mask of a text. */

import type { Filled } from "../answers";
import type { Tensor } from "../tensors";
import { row } from "../tensors";
import type { Encoding } from "../tokenization/encoding";
import type { AlbertTokenizer } from "../tokenization/tokenizer";
import { rightStrip } from "../white-space";
import { softmax } from "./probabilities";

/** The texts whose masks are filled, and how many pieces each mask gets. */
export interface MaskedTexts {
	encoding: Encoding;
	/** the text that was encoded; and the second text, if it was a pair */
	texts: readonly string[];
	topK: number;
	/** the ids of the pieces that are compared; undefined for the whole vocabulary */
	targets?: readonly number[] | undefined;
	/** whether the logits have a row for each mask, in the order of the text, and none for other tokens */
	masksOnly?: boolean;
}

/**
 * The best pieces for each mask, best first; the masks are in the order of the text. A score is the probability among
 * all pieces of the vocabulary.
 *
 * @param logits `[sequence, vocabulary]`, or `[masks, vocabulary]` if `masksOnly`
 */
export function fillMasks(logits: Tensor, masked: MaskedTexts, tokenizer: AlbertTokenizer): Filled[][] {
	const { encoding, texts, topK, targets, masksOnly = false } = masked;
	const masks: Filled[][] = [];
	const places = [...encoding.ids.keys()].filter((place) => encoding.ids[place] === tokenizer.maskTokenId);
	for (const [index, place] of places.entries()) {
		const owner = encoding.sequenceIds[place] as number;
		if (owner < 0) continue;
		const scores = softmax(row(logits, masksOnly ? index : place).data);
		// The output may be wider than the vocabulary: some models pad it to a round number.
		const known = targets ?? [...tokenizer.vocabulary.allIds].filter((id) => id < scores.length);
		const best = largest(scores, known, topK);
		const pieces = tokenizer.convertIdsToTokens(best);
		const span = { start: encoding.starts[place] as number, end: encoding.ends[place] as number };
		masks.push(
			best.map((tokenId, index) => {
				const piece = pieces[index] as string;
				return {
					token: tokenizer.spelling(piece) || piece,
					tokenId,
					score: scores[tokenId] as number,
					text: fill(texts[owner] as string, span, piece, tokenizer),
				};
			}),
		);
	}
	return masks;
}

/**
 * Each target -> the piece that is scored for it; null if the tokenizer finds nothing in the target.
 *
 * As in Hugging Face's fill-mask pipeline, a target that is written like a piece ("▁capital", or "s") is that piece. Any
 * other target is tokenized, and its first piece stands for it.
 */
export function targetPieces(targets: readonly string[], tokenizer: AlbertTokenizer): Map<string, string | null> {
	return new Map(
		targets.map((target) => {
			const [piece] = tokenizer.convertIdsToTokens(tokenizer.convertTokensToIds([target]));
			return [target, piece === target ? target : (tokenizer.tokenize(target)[0] ?? null)];
		}),
	);
}

/** The `count` ids with the largest scores, best first; of equal ones, those that come first. */
function largest(scores: Float64Array, ids: readonly number[], count: number): number[] {
	const score = (id: number): number => scores[id] as number;
	if (count > 64) return [...ids].sort((one, other) => score(other) - score(one)).slice(0, count);
	const best: number[] = [];
	for (const id of ids) {
		if (best.length === count && score(id) <= score(best[count - 1] as number)) continue;
		let place = best.length;
		while (place > 0 && score(best[place - 1] as number) < score(id)) place--;
		best.splice(place, 0, id);
		best.length = Math.min(best.length, count);
	}
	return best;
}

/**
 * `text` with `piece` in place of the mask at `span`.
 *
 * The piece decides whether there is a space on its left, since it says whether a word begins with it. An added token is
 * a word of its own. Where there is no space before the mask, one is added if the vocabulary marks spaces; words of
 * WordPiece, such as Chinese characters, may stand side by side.
 */
function fill(text: string, span: { start: number; end: number }, piece: string, tokenizer: AlbertTokenizer): string {
	const left = rightStrip(text.substring(0, span.start));
	let space = "";
	if (tokenizer.startsWord(piece)) {
		space = text.substring(left.length, span.start) || (left && tokenizer.wordpiece === null ? " " : "");
	}
	return left + space + tokenizer.spelling(piece) + text.substring(span.end);
}
