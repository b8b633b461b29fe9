/** Zero-shot classification: the labels are given with each text, and a model for natural language inference judges. */

import type { Label } from "../answers";
import { checkText } from "../checks";
import { UsageError } from "../errors";
import { zeroShot } from "../postprocessing/classification";
import { checkLabelCount } from "../postprocessing/probabilities";
import { repr, typeName } from "../repr";
import { AlbertSession, type CallOptions, type PreparedRequest } from "../session";
import { output } from "../tensors";
import { strip } from "../white-space";
import { TextClassificationSession } from "./text-classification";

const TEMPLATE = "This example is {}.";

/** The options of a call. */
export interface ZeroShotOptions extends CallOptions {
	/** the sentence that the text may entail, with {} in place of the label (default: "This example is {}.") */
	hypothesisTemplate?: string | undefined;
	/** several labels may apply, so each score is a probability by itself; if false, the scores of all labels sum to 1 */
	multiLabel?: boolean | undefined;
}

/**
 * A text and any labels -> how well each label fits the text.
 *
 * The model must have been trained for natural language inference (NLI): it judges whether the text entails a hypothesis
 * such as "This example is about sport.", one for each label (Yin et al. 2019). The answers are those of Hugging Face's
 * zero-shot-classification pipeline.
 */
export class ZeroShotClassifier {
	private readonly entailment: number;
	private readonly contradiction: number;

	/**
	 * Throws a UsageError if it is a session for another task, or none of its labels means entailment.
	 *
	 * @param session the session of a text-classification bundle of an NLI model
	 * @param options `entailment` is the label of the model that means entailment; by default the one that begins with
	 *   "entail"
	 */
	constructor(
		readonly session: TextClassificationSession,
		options: { entailment?: string | undefined } = {},
	) {
		if (!(session instanceof TextClassificationSession)) {
			const given: unknown = session;
			const task = given instanceof AlbertSession ? given.task : typeName(given);
			throw new UsageError(
				`zero-shot classification needs a session of a text-classification bundle, not of ${task}; ` +
					'export an NLI model with "--task text-classification"',
			);
		}
		const { labels } = session.manifest;
		const found = find(labels, options.entailment?.toLowerCase() ?? "entail");
		if (found < 0 || labels.length < 2) {
			const why = found < 0 ? "none of them means entailment" : "zero-shot classification needs two or more";
			throw new UsageError(
				`the labels of ${session.bundle.location} are ${labels.join(", ")}; ${why}. Use a model for natural language ` +
					"inference (MNLI, SNLI, ANLI). If it is one whose labels have no names, say which one means entailment: " +
					'ZeroShotClassifier(session, entailment="LABEL_2")',
			);
		}
		this.entailment = found;
		// Models without a label of that name have the one for contradiction first or last, as Hugging Face's pipeline
		// assumes of every model.
		const opposite = find(labels, "contradict");
		this.contradiction = opposite >= 0 && opposite !== found ? opposite : found === 0 ? labels.length - 1 : 0;
	}

	/**
	 * Every candidate label with its score, best first. If the text is too long, it is cut off at the end.
	 *
	 * Throws a UsageError if the text or a label is empty, there are no labels, or the template has no {}.
	 *
	 * @param labels the labels, as a list or as one text with commas between them
	 */
	async classify(text: string, labels: string | readonly string[], options: ZeroShotOptions = {}): Promise<Label[]> {
		return this.session.answerPrepared(this.prepare(text, labels, options), options.signal);
	}

	/** Check and tokenize a request: one sequence for each candidate label. */
	prepare(text: string, given: string | readonly string[], options: ZeroShotOptions = {}): PreparedRequest<Label[]> {
		const labels = checkedLabels(given);
		const { hypothesisTemplate = TEMPLATE, multiLabel = false } = options;
		const hypotheses = labels.map((label) => hypothesis(hypothesisTemplate, label));
		const { entailment, contradiction } = this;
		return {
			encodings: hypotheses.map((one) => this.session.encodePair(text, one)),
			finish: (outputs) => {
				const logits = outputs.map((one) => output(one, "logits"));
				checkLabelCount(logits[0]?.data.length ?? 0, this.session.manifest.labels);
				return zeroShot(logits, labels, { entailment, contradiction, multiLabel });
			},
		};
	}
}

function find(labels: readonly string[], beginning: string): number {
	return labels.findIndex((label) => label.toLowerCase().startsWith(beginning));
}

function checkedLabels(given: string | readonly string[]): string[] {
	if (typeof given !== "string" && !Array.isArray(given)) {
		throw new UsageError(`candidate_labels must be a list of texts, not ${typeName(given)}`);
	}
	const labels =
		typeof given === "string"
			? given.split(",").map(strip).filter(Boolean)
			: given.map((label, index) => checkText(`candidate_labels[${index}]`, label));
	if (!labels.length) throw new UsageError("candidate_labels is empty; give one label or more");
	return labels;
}

/** The template with the label in place of {}, {0} and so on; doubled braces stand for one, as in Python's `format`. */
function hypothesis(template: string, label: string): string {
	const parts: string[] = template.match(/\{\{|\}\}|\{0?\}|[^{}]+|[{}]/g) ?? [];
	const broken = parts.some((part) => part === "{" || part === "}") || (parts.includes("{0}") && parts.includes("{}"));
	const labels = parts.filter((part) => part === "{}" || part === "{0}").length;
	const filled = parts.map((part) =>
		/^\{0?\}$/.test(part) ? label : part === "{{" ? "{" : part === "}}" ? "}" : part,
	);
	// A second {} would need a second label.
	if (broken || parts.filter((part) => part === "{}").length > 1 || !labels || filled.join("") === template) {
		throw new UsageError(
			`hypothesis_template must be a sentence with {} in place of the label, such as ${repr(TEMPLATE)}, not ` +
				repr(template),
		);
	}
	return filled.join("");
}
