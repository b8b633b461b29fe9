/** The session of text classification: a text, or a pair of texts, to labels. */

import type { Label } from "../answers";
import type { Source } from "../bundle/open-source";
import { checkCount, checkText } from "../checks";
import { UsageError } from "../errors";
import { type LoadOptions, openSession } from "../open-session";
import { FUNCTION_NAMES, labelText } from "../postprocessing/classification";
import { repr } from "../repr";
import { AlbertSession, type CallOptions, checkFields, type PreparedRequest } from "../session";
import { output } from "../tensors";
import type { Encoding } from "../tokenization/encoding";

/** The options of a call. */
export interface ClassifyOptions extends CallOptions {
	/** the second text of a pair */
	textPair?: string | undefined;
	/** how many labels to return; undefined for all */
	topK?: number | undefined;
	/**
	 * what turns the model's logits into scores: "softmax" over all labels, "sigmoid" for each label by itself, or "none"
	 * for the logits themselves; undefined for what Hugging Face's pipeline chooses
	 */
	functionToApply?: "softmax" | "sigmoid" | "none" | undefined;
	/** leave out the labels with a lower score; a usual value for models whose labels may apply together is 0.5 */
	threshold?: number | undefined;
}

/** A text, or a pair of texts -> labels. */
export class TextClassificationSession extends AlbertSession {
	static readonly task: string = "text-classification";

	/** Open the bundle in `source`; see `openSession` for what is thrown. */
	static load(source: Source, options: LoadOptions = {}): Promise<TextClassificationSession> {
		return openSession(source, options, [TextClassificationSession]);
	}

	/**
	 * The labels with their scores, best first. Texts that are too long are cut off at the end.
	 *
	 * Throws a UsageError if a text is empty, or an option is wrong.
	 */
	async classify(text: string, options: ClassifyOptions = {}): Promise<Label[]> {
		return this.answerPrepared(this.prepare(text, options), options.signal);
	}

	/** Check and tokenize a request; the arguments, and what is thrown, are those of `classify`. */
	prepare(text: string, options: ClassifyOptions = {}): PreparedRequest<Label[]> {
		const { textPair, topK, functionToApply, threshold } = options;
		checkText("text", text);
		if (textPair !== undefined) checkText("text_pair", textPair);
		if (topK !== undefined) checkCount("top_k", topK);
		if (functionToApply !== undefined && !FUNCTION_NAMES.includes(functionToApply)) {
			const known = FUNCTION_NAMES.map(repr).join(", ");
			throw new UsageError(`function_to_apply=${repr(functionToApply)} is unknown; choose one of ${known}`);
		}
		if (threshold !== undefined && (typeof threshold !== "number" || Number.isNaN(threshold))) {
			throw new UsageError(`threshold must be a number, such as 0.5, not ${repr(threshold)}`);
		}
		const choice = { problemType: this.bundle.config.problem_type ?? null, functionToApply, topK, threshold };
		return {
			encodings: [this.encode(text, textPair)],
			finish: ([outputs = {}]) => labelText(output(outputs, "logits"), this.manifest.labels, choice),
		};
	}

	override prepareFields(given: Readonly<Record<string, unknown>>): PreparedRequest<Label[]> {
		const names = ["text", "text_pair", "top_k", "function_to_apply", "threshold"];
		const fields = checkFields(given, names, ["text"]);
		return this.prepare(fields.text as string, {
			textPair: fields.text_pair as string | undefined,
			topK: fields.top_k as number | undefined,
			functionToApply: fields.function_to_apply as ClassifyOptions["functionToApply"],
			threshold: fields.threshold as number | undefined,
		});
	}

	/**
	 * The tokens of a pair of texts as one sequence; if it is too long, only the first text is cut off.
	 *
	 * Throws a UsageError if a text is empty, or the second one leaves no room for the first.
	 */
	encodePair(text: string, textPair: string): Encoding {
		return this.encode(checkText("text", text), checkText("text_pair", textPair), { truncation: "only_first" });
	}
}
