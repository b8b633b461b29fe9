/** The vocabulary of a BertTokenizer. */

import { listed, UnsupportedError } from "../errors";
import { repr } from "../repr";
import { strip } from "../white-space";
import type { AlignedText } from "./aligned-text";
import { words } from "./bert-normalizer";
import { textOf } from "./characters";
import type { Piece, PieceModel } from "./piece-model";
import type { TokenizerFile } from "./tokenizer-file";

/** The mark of each piece that continues a word. */
export const CONTINUATION = "##";

/** A word of more characters is unknown. */
export const LONGEST_WORD = 100;

/** The pieces of so many words are remembered. */
const MOST_REMEMBERED = 20_000;

/** Words of more characters are rare, and are not remembered. */
const LONGEST_REMEMBERED = 24;

/** The pieces of a word, and how many characters each of them stands for. */
interface Spelled {
	readonly pieces: readonly string[];
	readonly sizes: readonly number[];
}

/**
 * The vocabulary of a BertTokenizer, which splits words into pieces with their spans: a loaded `vocab.txt`. The pieces are
 * those of `WordpieceTokenizer` in Google's BERT (tokenization.py): the longest piece that begins a word, then the longest
 * that continues it, and so on. The twin of `wordpiece_model.py`.
 *
 * The number of a line, counted from 0, is the id of its piece. Where several lines are equal, the last one counts, as in
 * transformers; the ids of the others stand for the unknown piece.
 */
export class WordPieceModel implements PieceModel {
	readonly maskTakesSpace = false;
	private readonly ids = new Map<string, number>();
	private readonly pieces: readonly string[];
	private readonly longest: number;
	private readonly unknownId: number;
	private readonly remembered = new Map<string, Spelled | null>();

	/**
	 * @param source what messages call the file
	 * @param unknownPiece the piece that stands for words that can't be spelled
	 * @throws UnsupportedError `lines` lack `unknownPiece`
	 */
	constructor(
		source: string,
		private readonly unknownPiece: string,
		lines: readonly string[],
	) {
		let longest = 0;
		lines.forEach((line, id) => {
			this.ids.set(line, id);
			longest = Math.max(longest, line.length);
		});
		this.longest = longest;
		const unknownId = this.ids.get(unknownPiece);
		if (unknownId === undefined) {
			const headline = `${source} is not the vocabulary of a BertTokenizer:`;
			const advice = "use the vocab.txt that the checkpoint was trained with";
			throw new UnsupportedError(`${listed(headline, problemsOf(lines, unknownPiece))}\n${advice}`);
		}
		this.unknownId = unknownId;
		this.pieces = lines.map((line, id) => (this.ids.get(line) === id ? line : unknownPiece));
	}

	/** Whether a word begins with `piece`. */
	static startsWord(piece: string): boolean {
		return !piece.startsWith(CONTINUATION);
	}

	/** The text that `pieces` spell, with a space between words. */
	static join(pieces: readonly string[]): string {
		return strip(pieces.join(" ").replaceAll(` ${CONTINUATION}`, ""));
	}

	get size(): number {
		return this.pieces.length;
	}

	idOf(piece: string): number {
		return this.ids.get(piece) ?? this.unknownId;
	}

	pieceOf(id: number): string {
		return this.pieces[id] as string;
	}

	holds(piece: string): boolean {
		return this.ids.has(piece);
	}

	startsWord(piece: string): boolean {
		return WordPieceModel.startsWord(piece);
	}

	spelling(piece: string): string {
		return piece.startsWith(CONTINUATION) ? piece.slice(CONTINUATION.length) : piece;
	}

	join(pieces: readonly string[]): string {
		return WordPieceModel.join(pieces);
	}

	/**
	 * The pieces of the words of `text`, between which there is white space. A word that can't be spelled, or that is longer
	 * than 100 characters, is the unknown piece.
	 */
	split(text: AlignedText): Piece[] {
		const { codes, starts, ends } = text;
		const found: Piece[] = [];
		const bounds = words(codes);
		for (let index = 0; index < bounds.length; index += 2) {
			let start = bounds[index] as number;
			const stop = bounds[index + 1] as number;
			const spelled = stop - start <= LONGEST_WORD ? this.spelled(textOf(codes, start, stop), stop - start) : null;
			if (spelled === null) {
				found.push({ piece: this.unknownPiece, start: starts[start] as number, end: ends[stop - 1] as number });
				continue;
			}
			const { pieces, sizes } = spelled;
			for (let place = 0; place < pieces.length; place++) {
				const end = start + (sizes[place] as number);
				found.push({
					piece: pieces[place] as string,
					start: starts[start] as number,
					end: ends[end - 1] as number,
				});
				start = end;
			}
		}
		return found;
	}

	/** The pieces of a word of `size` characters; null if it can't be spelled. */
	private spelled(word: string, size: number): Spelled | null {
		if (size > LONGEST_REMEMBERED) return this.spell(word);
		const known = this.remembered.get(word);
		if (known !== undefined) return known;
		const found = this.spell(word);
		if (this.remembered.size >= MOST_REMEMBERED) this.remembered.clear();
		this.remembered.set(word, found);
		return found;
	}

	private spell(word: string): Spelled | null {
		const pieces: string[] = [];
		const sizes: number[] = [];
		for (let start = 0; start < word.length; ) {
			const mark = start > 0 ? CONTINUATION : "";
			let end = word.length;
			if (end - start > this.longest) {
				end = start + this.longest;
				if (isWithinPair(word, end)) end--;
			}
			let piece = "";
			while (end > start) {
				piece = mark + word.slice(start, end);
				if (this.ids.has(piece)) break;
				end--;
				if (isWithinPair(word, end)) end--;
			}
			if (end <= start) return null;
			pieces.push(piece);
			sizes.push(charactersIn(word, start, end));
			start = end;
		}
		return { pieces, sizes };
	}
}

/** Whether `place` is between the two units of one character. */
function isWithinPair(word: string, place: number): boolean {
	const unit = word.charCodeAt(place);
	return place > 0 && unit >= 0xdc00 && unit <= 0xdfff;
}

function charactersIn(word: string, start: number, end: number): number {
	let count = end - start;
	for (let place = start; place < end; place++) if (isWithinPair(word, place)) count--;
	return count;
}

const ADVICE = "an ALBERT checkpoint with a BertTokenizer keeps its vocabulary in vocab.txt, a piece on each line";

/** Far more than any vocabulary has: 500,000 pieces of many languages are 5 MB. */
const LARGEST_FILE = 2 ** 26;

/** So many characters of a line are shown in messages. */
const SHOWN = 40;

/** The pieces in a `vocab.txt`: its lines, ended by "\n", "\r\n" or "\r"; a byte order mark belongs to the first line. */
export function readVocabularyLines(file: TokenizerFile): string[] {
	const content = file.read((reason) => `the vocabulary ${file} can't be read (${reason}); ${ADVICE}`);
	if (content.length > LARGEST_FILE) {
		throw new UnsupportedError(`${file} has ${content.length} bytes, and the limit is ${LARGEST_FILE}; ${ADVICE}`);
	}
	let whole: string;
	try {
		whole = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
	} catch {
		const place = firstUndecodable(content);
		const byte = (content[place] ?? 0).toString(16).padStart(2, "0");
		throw new UnsupportedError(
			`${file} is not a text in UTF-8 (byte ${place} is 0x${byte}); ${ADVICE}; if it is that ` +
				"text in another encoding, such as UTF-16, save it as UTF-8",
		);
	}
	const lines = whole.replaceAll(/\r\n?/g, "\n").replace(/\n$/, "").split("\n");
	if (lines.every((line) => line === "")) {
		throw new UnsupportedError(`${file} (${content.length} bytes) is empty; ${ADVICE}`);
	}
	return lines;
}

/** The place of the first byte with which no character in UTF-8 begins, or a character that is not whole. */
function firstUndecodable(content: Uint8Array): number {
	let place = 0;
	while (place < content.length) {
		const first = content[place] as number;
		if (first < 0x80) {
			place++;
			continue;
		}
		const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
		try {
			new TextDecoder("utf-8", { fatal: true }).decode(content.subarray(place, place + size));
		} catch {
			return place;
		}
		place += size;
	}
	return place;
}

/** Why `lines` have no `unknownPiece`, as far as it can be said. */
function problemsOf(lines: readonly string[], unknownPiece: string): string[] {
	const line = lines[0] ?? "";
	const shown = [...line.slice(0, 2 * SHOWN + 2)];
	const first = shown.length <= SHOWN ? line : `${shown.slice(0, SHOWN).join("")}...`;
	const problems = [
		`the piece ${unknownPiece} is missing among its ${lines.length} lines, the first of which is ${repr(first)}`,
	];
	if (line.startsWith("\uFEFF")) {
		problems.push("it begins with a byte order mark, which becomes part of the first piece; save it without one");
	}
	if (lines.some((one) => one.includes("\0"))) {
		problems.push("it holds zero bytes, as a text in UTF-16 does; save it as UTF-8");
	}
	const spaced = lines.findIndex((one) => strip(one) === unknownPiece);
	if (spaced >= 0) problems.push(`line ${spaced + 1} has white space around ${unknownPiece}; remove it`);
	return problems;
}
