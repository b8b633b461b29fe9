/** The session of token classification: a text to the entities in it. */

import type { Entity } from "../answers";
import type { Source } from "../bundle/open-source";
import { checkCount, checkText } from "../checks";
import { UsageError } from "../errors";
import { type LoadOptions, openSession } from "../open-session";
import { AGGREGATION_STRATEGIES, type AggregationStrategy, findEntities } from "../postprocessing/entities";
import { LabelledTokens, type Span } from "../postprocessing/labelled-tokens";
import { OUTSIDE, type Range, readTag } from "../postprocessing/tags";
import { repr } from "../repr";
import { AlbertSession, type CallOptions, checkFields, type PreparedRequest } from "../session";
import { type Outputs, output } from "../tensors";
import type { Encoding } from "../tokenization/encoding";
import { encodeWords, locateWords } from "../tokenization/given-words";
import { cutWindows, ownPositions, STRIDE } from "../windows";

/** The options of a call. */
export interface EntityOptions extends CallOptions {
	/**
	 * how the labels of tokens become entities (default: "words", which labels each word by its first token and keeps the
	 * punctuation around words apart); the others are those of Hugging Face's pipeline, see `findEntities`
	 */
	aggregationStrategy?: AggregationStrategy | undefined;
	/** the answers to leave out, by their `label` (default: ["O"]) */
	ignoreLabels?: readonly string[] | undefined;
	/** the tokens that two neighbouring windows share; at most half of a window, whatever is given (default: 128) */
	stride?: number | undefined;
}

/** Text -> the entities in it. */
export class TokenClassificationSession extends AlbertSession {
	static readonly task: string = "token-classification";

	/** Open the bundle in `source`; see `openSession` for what is thrown. */
	static load(source: Source, options: LoadOptions = {}): Promise<TokenClassificationSession> {
		return openSession(source, options, [TokenClassificationSession]);
	}

	/**
	 * The entities of a text of any length, in its order. A text that is too long for the model goes through it in
	 * overlapping windows; each token takes its label from the window that shows most of the text around it.
	 *
	 * Throws a UsageError if there is no text, or an option has no meaning.
	 */
	async entities(text: string, options: EntityOptions = {}): Promise<Entity[]> {
		return this.answerPrepared(this.prepare(text, undefined, options), options.signal);
	}

	/**
	 * The entities of a text that is split into words already. Each word has a label, and an answer says which words it is
	 * made of. Without `text`, the text is the words with spaces between them; with it, the words must occur in it, in
	 * order.
	 */
	async entitiesOfWords(
		words: readonly string[],
		options: EntityOptions & { text?: string | undefined } = {},
	): Promise<Entity[]> {
		return this.answerPrepared(this.prepare(options.text, words, options), options.signal);
	}

	/** Check and tokenize a request. */
	prepare(
		text: string | undefined,
		words: readonly string[] | undefined,
		options: EntityOptions = {},
	): PreparedRequest<Entity[]> {
		const { aggregationStrategy = "words", ignoreLabels = [OUTSIDE], stride = STRIDE } = options;
		if (!AGGREGATION_STRATEGIES.includes(aggregationStrategy)) {
			const known = AGGREGATION_STRATEGIES.join(", ");
			throw new UsageError(`aggregation_strategy must be one of ${known}, not ${repr(aggregationStrategy)}`);
		}
		this.checkIgnored(ignoreLabels);
		checkCount("stride", stride, 0);
		const located = this.locate(text, words);
		const windows = cutWindows(this.tokenizer, located.encoding, { maxLength: this.maxLength, stride });
		const finish = (outputs: readonly Outputs[]): Entity[] => {
			const own = ownPositions(windows);
			const parts = windows.map(({ encoding }, index) => {
				const logits = output(outputs[index] ?? {}, "logits");
				return { encoding, own: own[index] as Range, logits };
			});
			const tokens = new LabelledTokens(located.text, parts, this.tokenizer, located.words);
			return findEntities(tokens, this.manifest.labels, aggregationStrategy, ignoreLabels);
		};
		return { encodings: windows.map((window) => window.encoding), finish };
	}

	override prepareFields(given: Readonly<Record<string, unknown>>): PreparedRequest<Entity[]> {
		const fields = checkFields(given, ["text", "words", "aggregation_strategy", "ignore_labels", "stride"], []);
		return this.prepare(fields.text as string | undefined, fields.words as string[] | undefined, {
			aggregationStrategy: fields.aggregation_strategy as AggregationStrategy | undefined,
			ignoreLabels: fields.ignore_labels as string[] | undefined,
			stride: fields.stride as number | undefined,
		});
	}

	/** The text, its tokens without special tokens, and the places of its words if they were given. */
	private locate(
		text: string | undefined,
		words: readonly string[] | undefined,
	): { text: string; encoding: Encoding; words: readonly Span[] | null } {
		if (words === undefined) {
			if (text === undefined) {
				throw new UsageError("give a text, or the words of one: session('Ada lives in Rome.')");
			}
			const [encoding] = this.tokenizer.encode(checkText("text", text), undefined, { addSpecialTokens: false });
			return { text, encoding: encoding as Encoding, words: null };
		}
		const located = locateWords(words, text === undefined ? undefined : checkText("text", text));
		return {
			text: located.text,
			encoding: encodeWords(this.tokenizer, words, located.spans),
			words: located.spans.map(([start, end]) => ({ start, end })),
		};
	}

	/** Throws a UsageError if an answer can't have one of these labels. */
	private checkIgnored(ignoreLabels: readonly string[]): void {
		if (typeof ignoreLabels === "string") {
			throw new UsageError(`ignore_labels must be a list of labels, such as [${repr(ignoreLabels)}], not a str`);
		}
		const { labels } = this.manifest;
		const known = new Set([OUTSIDE, ...labels.map((label) => readTag(label).kind), ...labels]);
		const unknown = ignoreLabels.filter((label) => !known.has(label));
		if (unknown.length) {
			throw new UsageError(
				`ignore_labels names ${unknown.map(repr).join(", ")}, and the answers of this model have the labels ` +
					[...known].join(", "),
			);
		}
	}
}
