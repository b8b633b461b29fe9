/** What splits a normalized text into the pieces of a vocabulary. */

import type { AlignedText } from "./aligned-text";

/** SentencePiece's visible space, the first character of every piece that starts a word. */
export const WORD_START = "\u2581";

/** One piece, and the UTF-16 units of the original text that it stands for (not the space before it). */
export interface Piece {
	readonly piece: string;
	readonly start: number;
	readonly end: number;
}

/** What splits a normalized text into the pieces of a vocabulary. It never changes. */
export interface PieceModel {
	/** Whether a mask that is written in a text includes the space on its left, if no file says otherwise. */
	readonly maskTakesSpace: boolean;

	/** The number of pieces, which have the ids from 0 on. */
	readonly size: number;

	/** The id of `piece`, or the id of the unknown piece if the vocabulary does not hold it. */
	idOf(piece: string): number;

	/** The piece of an id from 0 to `size` - 1. */
	pieceOf(id: number): string;

	/** Whether `piece` is in the vocabulary. */
	holds(piece: string): boolean;

	/** The text that `pieces` spell. */
	join(pieces: readonly string[]): string;

	/** The pieces of a normalized text. */
	split(text: AlignedText): Piece[];

	/** Whether a word begins with `piece`; `startsWord` below for SentencePiece. */
	startsWord(piece: string): boolean;

	/** `piece` without the mark that says whether it begins a word; it may be empty. `spelling` below for SentencePiece. */
	spelling(piece: string): string;
}

/** Whether a word begins with `piece` of SentencePiece. */
export function startsWord(piece: string): boolean {
	return piece.startsWith(WORD_START);
}

/** `piece` of SentencePiece without the mark that begins a word; it may be empty. */
export function spelling(piece: string): string {
	return piece.startsWith(WORD_START) ? piece.slice(1) : piece;
}
