/** The session of question answering: a question and one or more contexts to passages of the contexts. */

import type { Answer } from "../answers";
import type { Source } from "../bundle/open-source";
import { checkText } from "../checks";
import { TokenizedContext } from "../contexts";
import { UsageError } from "../errors";
import { type LoadOptions, openSession } from "../open-session";
import { bestBeamAnswers } from "../postprocessing/beam-search";
import { beamsOf } from "../postprocessing/beams";
import { bestAnswers } from "../postprocessing/n-best";
import { AlbertSession, checkFields, type PreparedRequest } from "../session";
import { BEAM_SEARCH } from "../tasks";
import { type Outputs, output } from "../tensors";
import type { Encoding } from "../tokenization/encoding";
import type { TextWindow } from "../windows";
import { CheckedOptions, type QuestionOptions, type QuestionsOptions, SPECIAL_TOKENS } from "./question-options";

const NOTHING_TO_SELECT = "the context holds nothing that the tokenizer knows as text; give it words to answer from";

/**
 * A question and a context -> the passage of the context that answers the question.
 *
 * The answers are those that Hugging Face's question-answering pipeline gives with the slow tokenizer. Answers of Google's
 * head for SQuAD v2.0 are those of its run_squad_v2.py.
 */
export class QuestionAnsweringSession extends AlbertSession {
	static readonly task: string = "question-answering";

	/** Open the bundle in `source`; see `openSession` for what is thrown. */
	static load(source: Source, options: LoadOptions = {}): Promise<QuestionAnsweringSession> {
		return openSession(source, options, [QuestionAnsweringSession]);
	}

	/**
	 * The best answer. The context may have any length: it goes through the model in overlapping windows. If several
	 * contexts are given, the answers of all of them are ranked together, and `contextIndex` says where it is from.
	 *
	 * Throws a UsageError if a text is empty, an option is wrong, or the contexts hold nothing that can be an answer, and a
	 * BundleError if the outputs of the model are not finite.
	 */
	async answer(question: string, context: string | readonly string[], options: QuestionOptions = {}): Promise<Answer> {
		const only = { ...options, topK: 1 };
		const [best] = await this.answerPrepared(this.prepare(question, context, only), options.signal);
		return best as Answer;
	}

	/** At most `topK` different answers, best first; for the rest see `answer`. */
	async answers(
		question: string,
		context: string | readonly string[],
		options: QuestionsOptions = {},
	): Promise<Answer[]> {
		return this.answerPrepared(this.prepare(question, context, options), options.signal);
	}

	/** Check and tokenize a request; the arguments, and what is thrown, are those of `answers`. */
	prepare(
		question: string,
		context: string | readonly string[],
		options: QuestionsOptions = {},
	): PreparedRequest<Answer[]> {
		const checked = new CheckedOptions(options);
		checkText("question", question);
		const contexts = this.tokenizeContexts(context);
		const length = checked.windowLength(this.maxLength);
		const step = checked.step(length);
		const tokens = this.questionTokens(question, checked.maxQuestionLen, length);
		const windows = contexts.map((one) => one.windows(tokens, { length, step }));
		const nullThreshold = this.nullThreshold(options.handleImpossibleAnswer);
		return {
			encodings: windows.flat().map((window) => window.encoding),
			finish: (outputs) => {
				const answers = this.ranked(contexts, windows, outputs, checked, nullThreshold);
				if (!answers.length) throw new UsageError(NOTHING_TO_SELECT);
				return answers;
			},
		};
	}

	override prepareFields(given: Readonly<Record<string, unknown>>): PreparedRequest<Answer | Answer[]> {
		const names = ["top_k", "max_seq_len", "doc_stride", "max_question_len", "max_answer_len", "align_to_words"];
		const known = ["question", "context", "handle_impossible_answer", ...names];
		const fields = checkFields(given, known, ["question", "context"]);
		const prepared = this.prepare(fields.question as string, fields.context as string | string[], {
			topK: fields.top_k as number | undefined,
			maxSeqLen: fields.max_seq_len as number | undefined,
			docStride: fields.doc_stride as number | undefined,
			maxQuestionLen: fields.max_question_len as number | undefined,
			maxAnswerLen: fields.max_answer_len as number | undefined,
			alignToWords: fields.align_to_words as boolean | undefined,
			handleImpossibleAnswer: fields.handle_impossible_answer as boolean | undefined,
		});
		if ((fields.top_k ?? 1) !== 1) return prepared;
		return { encodings: prepared.encodings, finish: (outputs) => prepared.finish(outputs)[0] as Answer };
	}

	private tokenizeContexts(context: string | readonly string[]): TokenizedContext[] {
		if (Array.isArray(context) && !context.length) {
			throw new UsageError("context is an empty list; give at least one text to answer from");
		}
		const texts = Array.isArray(context)
			? context.map((text, index) => checkText(`context[${index}]`, text))
			: [checkText("context", context)];
		const contexts = texts.map((text) => new TokenizedContext(text, this.tokenizer));
		if (!contexts.some((one) => one.encoding.length)) throw new UsageError(NOTHING_TO_SELECT);
		return contexts;
	}

	/** The best answers; `outputs` are those of each window of each context. */
	private ranked(
		contexts: readonly TokenizedContext[],
		windows: readonly (readonly TextWindow[])[],
		outputs: readonly Outputs[],
		options: CheckedOptions,
		nullThreshold: number | null,
	): Answer[] {
		const { topK, maxAnswerLen, alignToWords } = options;
		const settings = { topK, maxAnswerLen, alignToWords, nullThreshold };
		let place = 0;
		const rows = windows.map((seen) => seen.map(() => outputs[place++] as Outputs));
		const ofContext = contexts.map((context, index) => {
			return { context, windows: windows[index] as TextWindow[], rows: rows[index] as Outputs[] };
		});
		if (this.manifest.head === BEAM_SEARCH) {
			return bestBeamAnswers(
				ofContext.map((one) => ({ ...one, beams: one.rows.map(beamsOf) })),
				settings,
			);
		}
		return bestAnswers(
			ofContext.map((one) => ({
				...one,
				starts: one.rows.map((found) => output(found, "start_logits")),
				ends: one.rows.map((found) => output(found, "end_logits")),
			})),
			settings,
		);
	}

	/** The tokens of the question, without those that are cut off. */
	private questionTokens(question: string, maxQuestionLen: number, length: number): Encoding {
		const half = Math.floor((length - SPECIAL_TOKENS) / 2);
		const limit = Math.min(maxQuestionLen, half);
		if (limit < 1) {
			throw new UsageError(`the model takes ${length} tokens, which is too few for a question and a context`);
		}
		// What is far behind the limit is not tokenized.
		const start = this.tokenizer.beginning(question, limit + 1);
		const [tokens] = this.tokenizer.encode(start, undefined, { addSpecialTokens: false }) as [Encoding];
		if (tokens.length > limit) {
			const more = start === question ? "" : "more than ";
			const why = limit === maxQuestionLen ? "" : `, but a window of ${length} tokens gives it at most ${half}`;
			this.onceWarnings.log(
				"question",
				`the question has ${more}${tokens.length} tokens and max_question_len is ${maxQuestionLen}` +
					`${why}: ${more}${tokens.length - limit} tokens at its end were left out (said once for each session)`,
			);
		}
		return tokens.part(0, Math.min(tokens.length, limit));
	}

	private nullThreshold(handleImpossibleAnswer: boolean | undefined): number | null {
		const threshold = this.manifest.nullThreshold;
		if (handleImpossibleAnswer === undefined) return threshold;
		return handleImpossibleAnswer ? (threshold ?? 0) : null;
	}
}
