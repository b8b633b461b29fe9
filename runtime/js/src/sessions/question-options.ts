/** The options of question answering. */

import { checkCount } from "../checks";
import { UsageError } from "../errors";
import { repr } from "../repr";
import type { CallOptions } from "../session";

/** The options of a call; they have the names, the meaning and the defaults of Hugging Face's pipeline. */
export interface QuestionOptions extends CallOptions {
	/** the tokens in a window, with the question and the special tokens (default: 384, or what the model takes) */
	maxSeqLen?: number | undefined;
	/**
	 * the tokens between the beginnings of two neighbouring windows (default: 128, or half of `maxSeqLen`). It is reduced
	 * to the tokens of the context that a window has room for.
	 */
	docStride?: number | undefined;
	/** the most tokens of the question; the rest is cut off, and so is what would take more than half of a window */
	maxQuestionLen?: number | undefined;
	/** the most tokens in an answer (default: 15) */
	maxAnswerLen?: number | undefined;
	/**
	 * extend answers to whole words, that is, to the next white space on each side (default: true). If false, an answer
	 * begins and ends at tokens of the model, so that "Paris" is found in "(Paris)", and "n" in "Ann".
	 */
	alignToWords?: boolean | undefined;
	/**
	 * whether the answer may be that there is none: the empty answer, whose score is its `nullScore` (default: if the
	 * bundle has a `null_threshold`)
	 */
	handleImpossibleAnswer?: boolean | undefined;
}

/** The options of a call, and the number of answers. */
export interface QuestionsOptions extends QuestionOptions {
	/**
	 * the number of answers. There are fewer if the contexts hold fewer different ones. Passages of one context with the
	 * same text are one answer.
	 */
	topK?: number | undefined;
}

/** tokens in a window, if a call does not say otherwise: the length that SQuAD models are trained with */
const MAX_SEQ_LEN = 384;
const DOC_STRIDE = 128;
/** [CLS] question [SEP] context [SEP] */
export const SPECIAL_TOKENS = 3;

/** The options with their defaults. The constructor throws a UsageError if one is out of range. */
export class CheckedOptions {
	readonly topK: number;
	readonly maxQuestionLen: number;
	/** run_squad and the evaluation on SQuAD data allow 30 */
	readonly maxAnswerLen: number;
	readonly alignToWords: boolean;
	private readonly maxSeqLen: number | undefined;
	private readonly docStride: number | undefined;

	constructor(options: QuestionsOptions) {
		this.topK = checkCount("top_k", options.topK ?? 1);
		this.maxQuestionLen = checkCount("max_question_len", options.maxQuestionLen ?? 64);
		this.maxAnswerLen = checkCount("max_answer_len", options.maxAnswerLen ?? 15);
		this.maxSeqLen = options.maxSeqLen;
		this.docStride = options.docStride;
		this.alignToWords = options.alignToWords ?? true;
		if (this.maxSeqLen !== undefined) checkCount("max_seq_len", this.maxSeqLen, SPECIAL_TOKENS + 2);
		if (this.docStride !== undefined) checkCount("doc_stride", this.docStride);
		if (typeof this.alignToWords !== "boolean") {
			throw new UsageError(`align_to_words must be True or False, not ${repr(this.alignToWords)}`);
		}
		const impossible: unknown = options.handleImpossibleAnswer;
		if (impossible !== undefined && typeof impossible !== "boolean") {
			throw new UsageError(`handle_impossible_answer must be True, False or None, not ${repr(impossible)}`);
		}
	}

	/** The tokens in a window for a model that takes `longest` tokens. */
	windowLength(longest: number): number {
		if (this.maxSeqLen === undefined) return Math.min(MAX_SEQ_LEN, longest);
		if (this.maxSeqLen > longest) {
			throw new UsageError(`max_seq_len=${this.maxSeqLen} is too much: the model takes ${longest} tokens`);
		}
		return this.maxSeqLen;
	}

	/** The tokens between the beginnings of two neighbouring windows of `length` tokens. */
	step(length: number): number {
		if (this.docStride === undefined) return Math.max(Math.min(DOC_STRIDE, Math.floor(length / 2)), 1);
		if (this.docStride > length) {
			throw new UsageError(`doc_stride=${this.docStride} is more than max_seq_len=${length}; choose a smaller one`);
		}
		return this.docStride;
	}
}
