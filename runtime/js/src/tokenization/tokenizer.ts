/** AlbertTokenizer: text to token ids and back, exactly like Hugging Face's tokenizers. The twin of `tokenizer.py`. */

import type { BundleFiles } from "../bundle/files";
import { AlbertError, listed, UsageError } from "../errors";
import type { EncodeOptions } from "./encode-options";
import { Encoding } from "./encoding";
import { FastSplitter } from "./fast/fast-rules";
import { Normalizer, type TextNormalizer } from "./normalizer";
import type { PieceModel } from "./piece-model";
import { SentencePieceModel } from "./sentence-piece-model";
import { SequenceLayout } from "./sequence-layout";
import { SlowSplitter, type TextSplitter } from "./slow-splitter";
import type { SpecialTokens } from "./special-tokens";
import { readTokenizerConfig, type TokenizerConfig } from "./tokenizer-config";
import { TokenizerFiles } from "./tokenizer-file";
import { beginningOf, paddedLength, Truncation, truncationStrategy } from "./truncation";
import { Vocabulary } from "./vocabulary";
import { readVocabularyLines, WordPieceModel } from "./wordpiece-model";

const VOCABULARY_FILE = "spiece.model";
const WORDPIECE_FILE = "vocab.txt";
/** the limit of tokenizers whose files name none: the positions of the published models */
const USUAL_LIMIT = 512;

/** What a tokenizer is made of. */
interface Parts {
	vocabFile: string;
	model: PieceModel;
	splitter: TextSplitter;
	vocabulary: Vocabulary;
	specialTokens: SpecialTokens;
	givesTokenTypeIds: boolean;
	modelMaxLength: number;
	isWordPiece: boolean;
}

/** The place of the tokens of one text among those of a call. */
interface Place {
	sequence: number;
	sample: number;
	typeId: number;
}

/**
 * A vocabulary with the normalization, special tokens and layout of sequences that a model was trained with.
 *
 * First, the special tokens and the added tokens that are written in a text are separated. The parts between them are
 * normalized and split into pieces. With a vocabulary of SentencePiece, the rules are those of Hugging Face's slow
 * AlbertTokenizer, and pieces such as "1999," are split again before their comma; with one of WordPiece, those of its slow
 * BertTokenizer. A bundle may say that the rules of its tokenizer.json replace these. Lone surrogates count as U+FFFD.
 *
 * Spans count UTF-16 code units; Python's count code points. A tokenizer does not change after construction.
 */
export class AlbertTokenizer extends SequenceLayout {
	/** the name of the vocabulary's file */
	readonly vocabFile: string;
	/** the most tokens in a sequence if a call does not say; Infinity for no limit */
	readonly modelMaxLength: number;
	/** the vocabulary of WordPiece, split by the rules of a BertTokenizer; null if it is one of SentencePiece */
	readonly wordpiece: PieceModel | null;
	/** the number of pieces, without the added tokens; see `length` */
	readonly vocabSize: number;
	/** one more than the largest id, added tokens included; a model needs so many word embeddings */
	readonly length: number;
	private readonly model: PieceModel;
	private readonly splitter: TextSplitter;

	private constructor(parts: Parts) {
		super(parts.vocabulary, parts.specialTokens, parts.givesTokenTypeIds);
		this.vocabFile = parts.vocabFile;
		this.model = parts.model;
		this.splitter = parts.splitter;
		this.modelMaxLength = parts.modelMaxLength;
		this.wordpiece = parts.isWordPiece ? parts.model : null;
		this.vocabSize = parts.model.size;
		this.length = parts.vocabulary.size;
	}

	/**
	 * The tokenizer of a bundle: its vocabulary, with the settings of tokenizer_config.json.
	 *
	 * @param files the files of the bundle
	 * @param modelMaxLength the most tokens in a sequence, if tokenizer_config.json names no limit
	 * @throws UnsupportedError the vocabulary is missing or damaged, or the settings ask for another kind of tokenizer
	 */
	static async fromFiles(files: BundleFiles, modelMaxLength = USUAL_LIMIT): Promise<AlbertTokenizer> {
		const loaded = new TokenizerFiles(files);
		const config = await readTokenizerConfig(loaded);
		const { specialTokens, additionalSpecialTokens, fastRules, wordpiece } = config;
		const vocabFile = wordpiece === undefined ? VOCABULARY_FILE : WORDPIECE_FILE;
		const model = fastRules?.model ?? (await readModel(loaded, vocabFile, config));
		const addedTokens = fastRules?.added.tokens ?? config.addedTokens;
		const vocabulary = new Vocabulary(model, specialTokens, addedTokens, additionalSpecialTokens);
		const doLowerCase = config.doLowerCase && !config.sentencepieceOnly;
		const splitter =
			fastRules === undefined
				? new SlowSplitter(vocabulary.added, normalizerOf(config), model, doLowerCase)
				: new FastSplitter(fastRules);
		return new AlbertTokenizer({
			vocabFile,
			model,
			splitter,
			vocabulary,
			specialTokens,
			givesTokenTypeIds: config.givesTokenTypeIds,
			modelMaxLength: config.modelMaxLength ?? modelMaxLength,
			isWordPiece: wordpiece !== undefined,
		});
	}

	/**
	 * The sequence of a text or a pair, or its windows, if `options` ask for them.
	 *
	 * @throws UsageError the options don't fit each other or the texts
	 */
	encode(text: string, pair?: string, options: EncodeOptions = {}): Encoding[] {
		return this.encodeAll([text], pair === undefined ? undefined : [pair], options);
	}

	/**
	 * The sequences of several texts or pairs, in order.
	 *
	 * @param texts the texts
	 * @param pairs the second text of each pair; undefined for no pairs
	 * @throws UsageError the options don't fit each other or the texts; the message lists all texts that are wrong
	 */
	encodeAll(texts: readonly string[], pairs?: readonly string[], options: EncodeOptions = {}): Encoding[] {
		if (pairs !== undefined && pairs.length !== texts.length) {
			throw new UsageError(`there are ${texts.length} texts and ${pairs.length} in text_pair; each text needs one`);
		}
		const { addSpecialTokens = true, stride = 0, returnOverflowingTokens = false } = options;
		const limit = this.lengthLimit(options.maxLength);
		const strategy = truncationStrategy(options, pairs !== undefined);
		const room =
			strategy === undefined || limit === undefined
				? undefined
				: roomFor(limit, addSpecialTokens ? (pairs === undefined ? 2 : 3) : 0);
		const cut = new Truncation(strategy ?? "longest_first", stride, returnOverflowingTokens);
		const secondType = addSpecialTokens && this.givesTokenTypeIds ? 1 : 0;
		const encodings: Encoding[] = [];
		const problems: string[] = [];
		texts.forEach((text, sample) => {
			const first = this.tokensOf(text, { sequence: 0, sample, typeId: 0 });
			const pair = pairs?.[sample];
			const second = pair === undefined ? undefined : this.tokensOf(pair, { sequence: 1, sample, typeId: secondType });
			try {
				for (const window of cut.windows(first.length, second?.length, room)) {
					encodings.push(this.layOut(first, second, window, addSpecialTokens));
				}
			} catch (error) {
				if (!(error instanceof AlbertError)) throw error;
				problems.push(`text ${sample}: ${error.message}`);
			}
		});
		if (problems.length) throw new UsageError(listed("these texts can't be cut as asked for:", problems));
		const longest = encodings.reduce((most, one) => Math.max(most, one.length), 0);
		const length = paddedLength(options, limit, longest);
		if (length === undefined) return encodings;
		if (strategy !== undefined && limit !== undefined && length > limit) {
			throw new UsageError(
				`sequences are cut to max_length=${limit}, which is not a multiple of ` +
					`pad_to_multiple_of=${options.padToMultipleOf}; make it one`,
			);
		}
		return encodings.map((one) => one.padded(length, this.specialTokens.pad, this.padTokenId));
	}

	/** The tokens of `text`, without [CLS] and [SEP]. */
	tokenize(text: string): string[] {
		return [...this.tokensOf(text).tokens];
	}

	/**
	 * The text of token ids. It is normalized, so it may differ from the text that the ids were made from.
	 *
	 * @throws UsageError an id is not in the vocabulary
	 */
	decode(ids: readonly number[], skipSpecialTokens = false): string {
		return this.vocabulary.decode(this.convertIdsToTokens(ids), skipSpecialTokens);
	}

	/** A piece without the mark that says whether it begins a word, which may be empty; another token as it is. */
	spelling(token: string): string {
		return this.vocabulary.added.contains(token) ? token : this.model.spelling(token);
	}

	/** Whether a word begins with `token`. */
	startsWord(token: string): boolean {
		return this.vocabulary.beyondPieces.has(token) || this.model.startsWord(token);
	}

	/** The id of each token; the id of the unknown token for one that is not in the vocabulary. */
	convertTokensToIds(tokens: readonly string[]): number[] {
		return tokens.map((token) => this.vocabulary.idOf(token));
	}

	/**
	 * The token of each id.
	 *
	 * @throws UsageError an id is not in the vocabulary
	 */
	convertIdsToTokens(ids: readonly number[]): string[] {
		return this.vocabulary.tokensOf(ids);
	}

	/**
	 * The beginning of a very long text, with at least `tokens` tokens, which are the first ones of the whole text. A shorter
	 * text is returned as it is.
	 */
	beginning(text: string, tokens: number): string {
		const start = beginningOf(text, tokens);
		// An added token may hold several of the words that `beginningOf` counts.
		return start.length === text.length || this.tokensOf(start).length >= tokens ? start : text;
	}

	/** The tokens of one text; the only special or added tokens are those that are written in it. */
	private tokensOf(text: string, { sequence, sample, typeId }: Place = { sequence: 0, sample: 0, typeId: 0 }): Encoding {
		const [tokens, ids, starts, ends, words]: [string[], number[], number[], number[], number[]] = [[], [], [], [], []];
		let word = -1;
		for (const section of this.splitter.sections(text)) {
			let begins = true;
			for (const { piece, start, end } of section) {
				if (begins || this.model.startsWord(piece)) word++;
				begins = false;
				words.push(word);
				starts.push(start);
				ends.push(end);
				tokens.push(piece);
				ids.push(this.vocabulary.idOf(piece));
			}
		}
		const all = (value: number): number[] => new Array<number>(ids.length).fill(value);
		const facts = { typeIds: all(typeId), attentionMask: all(1), specialTokensMask: all(0), sequenceIds: all(sequence) };
		return new Encoding({ ids, tokens, starts, ends, wordIds: words, ...facts }, sample);
	}

	private lengthLimit(maxLength: number | undefined): number | undefined {
		if (maxLength === undefined) return Number.isFinite(this.modelMaxLength) ? this.modelMaxLength : undefined;
		if (!Number.isInteger(maxLength) || maxLength < 1) {
			throw new UsageError(`max_length=${maxLength} is not a number of tokens; it must be 1 or more`);
		}
		return maxLength;
	}
}

/** The most tokens of the texts in a sequence of `limit` tokens, `added` of which are special. */
function roomFor(limit: number, added: number): number {
	if (limit - added < 1) {
		throw new UsageError(`max_length=${limit} leaves no room for text: the special tokens take ${added}`);
	}
	return limit - added;
}

async function readModel(files: TokenizerFiles, name: string, config: TokenizerConfig): Promise<PieceModel> {
	const file = await files.load(name);
	if (config.wordpiece === undefined) return new SentencePieceModel(file, !config.sentencepieceOnly);
	return new WordPieceModel(`${file}`, config.specialTokens.unk, readVocabularyLines(file));
}

/** What normalizes the parts of a text between added tokens, by the rules of the slow tokenizers. */
function normalizerOf(config: TokenizerConfig): TextNormalizer {
	if (config.sentencepieceOnly) return { normalize: (text) => text };
	// A special token that appears only when control characters are dropped stays whole, too.
	const kept = new Set([...config.specialTokens.contents, ...config.additionalSpecialTokens]);
	return config.wordpiece?.keeping(kept) ?? new Normalizer(config.doLowerCase, config.removeSpace, config.keepAccents);
}
