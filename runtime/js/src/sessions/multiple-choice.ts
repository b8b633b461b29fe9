/** The session of multiple choice: a prompt and choices to the best choice. */

import type { Choice } from "../answers";
import type { Source } from "../bundle/open-source";
import { checkText } from "../checks";
import { UsageError } from "../errors";
import { type LoadOptions, openSession } from "../open-session";
import { choose } from "../postprocessing/classification";
import { typeName } from "../repr";
import { AlbertSession, type CallOptions, checkFields, checkSignal, type PreparedRequest } from "../session";
import { type IdTensor, type Outputs, output } from "../tensors";

/** as many as there are letters to call them by */
const MOST_CHOICES = 26;
/** the place of the choice in a prompt, as in RACE's cloze questions */
const BLANK = "_";

/** The options of a call. */
export interface ChooseOptions extends CallOptions {
	/**
	 * the text that the prompt is about, as in RACE; without one, as in SWAG, the model reads the prompt and the choice. With
	 * a context, it reads the context and, as the second text, the prompt with the choice after it (or in place of a "_").
	 */
	context?: string | undefined;
}

/** A prompt and several choices -> the choice that goes best with the prompt. */
export class MultipleChoiceSession extends AlbertSession {
	static readonly task: string = "multiple-choice";

	/** Open the bundle in `source`; see `openSession` for what is thrown. */
	static load(source: Source, options: LoadOptions = {}): Promise<MultipleChoiceSession> {
		return openSession(source, options, [MultipleChoiceSession]);
	}

	/**
	 * The best of 2 to 26 choices. What is too long is cut off at the end, from the longer text first.
	 *
	 * Throws a UsageError if a text is empty, or there are too few or too many choices.
	 */
	async choose(prompt: string, choices: readonly string[], options: ChooseOptions = {}): Promise<Choice> {
		return this.answerPrepared(this.prepare(prompt, choices, options), options.signal);
	}

	/** Check and tokenize a request; the arguments, and what is thrown, are those of `choose`. */
	prepare(prompt: string, choices: readonly string[], options: ChooseOptions = {}): PreparedRequest<Choice> {
		const { context } = options;
		checkText("prompt", prompt);
		if (context !== undefined) checkText("context", context);
		if (!Array.isArray(choices)) throw new UsageError(`choices must be a list of texts, not ${typeName(choices)}`);
		if (choices.length < 2) throw new UsageError(`multiple choice needs two choices or more, not ${choices.length}`);
		if (choices.length > MOST_CHOICES) {
			throw new UsageError(`multiple choice takes at most ${MOST_CHOICES} choices (A to Z), not ${choices.length}`);
		}
		choices.forEach((choice, index) => {
			checkText(`choices[${index}]`, choice);
		});
		const pairs = choicePairs(prompt, choices, context);
		return {
			encodings: pairs.map(([first, second]) => this.encode(first, second)),
			finish: (outputs) =>
				choose(
					outputs.map((one) => output(one, "logits").data[0] as number),
					choices,
				),
		};
	}

	override prepareFields(given: Readonly<Record<string, unknown>>): PreparedRequest<Choice> {
		const fields = checkFields(given, ["prompt", "choices", "context"], ["prompt", "choices"]);
		return this.prepare(fields.prompt as string, fields.choices as string[], {
			context: fields.context as string | undefined,
		});
	}

	/** All choices run at once, as one row. */
	override async answerPrepared<Answer>(prepared: PreparedRequest<Answer>, signal?: AbortSignal): Promise<Answer> {
		await checkSignal(signal);
		const asRow = ({ dims, data }: IdTensor): IdTensor => ({ dims: [1, ...dims], data });
		const padded = Object.entries(this.inputsOf(prepared.encodings));
		const outputs = await this.run(Object.fromEntries(padded.map(([name, tensor]) => [name, asRow(tensor)])));
		const logits = output(outputs, "logits").data;
		return prepared.finish(
			prepared.encodings.map(
				(_, index): Outputs => ({ logits: { dims: [1], data: logits.subarray(index, index + 1) } }),
			),
		);
	}
}

/**
 * The pair of texts that the model reads for each choice. With a context, the pairs are those of Google's race_utils.py
 * and of Hugging Face's examples for RACE.
 */
function choicePairs(prompt: string, choices: readonly string[], context: string | undefined): [string, string][] {
	if (context === undefined) return choices.map((choice) => [prompt, choice]);
	if (prompt.includes(BLANK)) return choices.map((choice) => [context, prompt.replaceAll(BLANK, () => choice)]);
	return choices.map((choice) => [context, `${prompt} ${choice}`]);
}
