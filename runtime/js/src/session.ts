/** AlbertSession: text -> tokenizer -> batch -> engine -> postprocessing -> answer. The session of each task is in `sessions/`. */

import type { Bundle } from "./bundle/bundle";
import type { Manifest } from "./bundle/manifest";
import type { Engine } from "./engines/engine";
import { BundleError, listed, UsageError } from "./errors";
import { OnceWarnings } from "./once-warnings";
import { padBatch } from "./pad-batch";
import { repr } from "./repr";
import { CHOICES, inputNames, SEQUENCE } from "./tasks";
import { concatenate, type IdTensor, type Inputs, type Outputs, output, row, type Tensor } from "./tensors";
import { IdRequest, type Ids } from "./token-ids";
import type { Encoding } from "./tokenization/encoding";
import type { AlbertTokenizer } from "./tokenization/tokenizer";

/** What every call takes. */
export interface CallOptions {
	/** cancels the call between two windows; what is thrown is `signal.reason` */
	signal?: AbortSignal | undefined;
}

/** A request that has been checked and tokenized, and the postprocessing that turns its outputs into the answer. */
export interface PreparedRequest<Answer> {
	/** the sequences to run: one, or one for each window of a long text, or one for each choice */
	readonly encodings: readonly Encoding[];
	/** the outputs of each sequence, in the same order, without the batch axis -> the answer */
	finish(outputs: readonly Outputs[]): Answer;
}

/** What a session is made of; `load` opens it. */
export interface SessionParts {
	readonly bundle: Bundle;
	readonly tokenizer: AlbertTokenizer;
	readonly engine: Engine;
}

/** How a text is cut if it is too long. */
export interface EncodeLimits {
	/** refuse to cut off a [MASK] */
	keepMasks?: boolean;
	/** "longest_first" cuts the longer text first, "only_first" cuts only the first one */
	truncation?: "longest_first" | "only_first";
	/** the most tokens, if there may be fewer of them than the model takes */
	maxLength?: number | undefined;
}

/** A loaded bundle that answers requests. */
export abstract class AlbertSession {
	readonly bundle: Bundle;
	readonly manifest: Manifest;
	readonly tokenizer: AlbertTokenizer;
	readonly engine: Engine;
	/** the most tokens in one sequence, special tokens included */
	readonly maxLength: number;
	/** @internal what the session warns of; each warning is given once */
	readonly onceWarnings = new OnceWarnings();

	/** Throws a BundleError if the tokenizer, the graph, the configuration and the manifest don't fit each other. */
	constructor(parts: SessionParts) {
		this.bundle = parts.bundle;
		this.manifest = parts.bundle.manifest;
		this.tokenizer = parts.tokenizer;
		this.engine = parts.engine;
		this.maxLength = parts.bundle.maxLength;
		this.checkPartsFit();
	}

	/** The full name of the task. */
	get task(): string {
		return this.manifest.task;
	}

	/**
	 * The prepared request for the keyword arguments of the Python session's call, such as `top_k`.
	 *
	 * Throws a UsageError if an argument is unknown or wrong.
	 */
	abstract prepareFields(fields: Readonly<Record<string, unknown>>): PreparedRequest<unknown>;

	/** The answer to a request of any task, given as the keyword arguments of the Python session's call. */
	async request(fields: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<unknown> {
		return this.answerPrepared(this.prepareFields(fields), signal);
	}

	/**
	 * The outputs of the graph for token ids, which are taken as they are: no [CLS] or [SEP] is added. The first axis of
	 * each output is the batch. Shorter sequences are padded: what stands behind their end is to be ignored.
	 *
	 * Throws a UsageError that lists everything that is wrong with the ids.
	 *
	 * @param inputIds one sequence, or several of any lengths. For multiple choice, several sequences are the choices of
	 *   one example, and a list of such lists is a batch.
	 * @param tokenTypeIds the segment of each token, in the same form; 0 everywhere if it is not given
	 * @param attentionMask 1 for each token that counts and 0 for padding, in the same form
	 */
	async runIds(inputIds: Ids, tokenTypeIds?: Ids, attentionMask?: Ids): Promise<Outputs> {
		const request = new IdRequest(this.bundle, inputIds, tokenTypeIds, attentionMask);
		if (this.manifest.sequenceLength === null) return this.run(request.inputs());
		// Graphs of a static length have a static batch too.
		const answers: Outputs[] = [];
		for (const inputs of request.inputsOneByOne()) answers.push(await this.run(inputs));
		return Object.fromEntries(
			Object.entries(this.manifest.graphTask.outputs).map(([name, axes]) => {
				const joined = concatenate(answers.map((answer) => output(answer, name)));
				return [name, axes[1] === SEQUENCE ? shortened(joined, request.longest) : joined];
			}),
		);
	}

	/** The outputs of the graph by the names of `tasks.ts`; there is no pre- or postprocessing. */
	async run(inputs: Inputs): Promise<Outputs> {
		const outputs = await this.engine.run(this.completed(inputs));
		const names = Object.keys(this.manifest.graphTask.outputs);
		return Object.fromEntries(names.map((name) => [name, output(outputs, name)]));
	}

	/** The inputs that a request gives to the engine. */
	inputsOf(encodings: readonly Encoding[]): Inputs {
		return this.completed(padBatch(encodings, this.tokenizer.padTokenId, this.manifest.sequenceLength));
	}

	/** `inputs` with those of the graph that follow from others and are not given; see `Head.moreInputs`. */
	protected completed(inputs: Inputs): Inputs {
		return inputs;
	}

	/** Run several sequences as one batch; returns the outputs of each, without the batch axis. */
	async runBatch(encodings: readonly Encoding[]): Promise<Outputs[]> {
		let inputs = this.inputsOf(encodings);
		if (this.manifest.graphTask.inputAxes.includes(CHOICES)) {
			const apart = ({ dims, data }: IdTensor): IdTensor => ({ dims: [dims[0] as number, 1, dims[1] as number], data });
			inputs = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, apart(tensor)]));
		}
		const outputs = await this.run(inputs);
		return encodings.map((_, index) =>
			Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, row(tensor, index)])),
		);
	}

	/**
	 * The answer to one request, computed without other requests. The sequences run one after the other; as a batch, the
	 * windows of a long text would take no less time and more memory.
	 */
	async answerPrepared<Answer>(prepared: PreparedRequest<Answer>, signal?: AbortSignal): Promise<Answer> {
		const outputs: Outputs[] = [];
		for (const encoding of prepared.encodings) {
			await checkSignal(signal);
			outputs.push(...(await this.runBatch([encoding])));
		}
		return prepared.finish(outputs);
	}

	/** Free the memory of the engine. The session can't be used afterwards. */
	async close(): Promise<void> {
		await this.engine.close?.();
	}

	/** Throws a BundleError that lists every contradiction between the parts of the bundle. */
	protected checkPartsFit(): void {
		const { config, location } = this.bundle;
		const { modelFile, graphTask } = this.manifest;
		const { outputNames } = this.engine;
		const problems = Object.keys(graphTask.outputs)
			.filter((name) => !outputNames.includes(name))
			.map((name) => `${modelFile} has no output ${name}, which ${this.task} needs; it has ${outputNames.join(", ")}`);
		const given = inputNames(graphTask);
		for (const name of this.engine.inputNames) {
			if (given.includes(name)) continue;
			problems.push(`${modelFile} needs an input ${name}; a session gives ${given.join(", ")}`);
		}
		const vocabulary = config.vocab_size;
		if (this.manifest.hasTokenizer && Number.isInteger(vocabulary) && this.tokenizer.length > (vocabulary as number)) {
			const added = this.tokenizer.vocabulary.beyondPieces.size;
			problems.push(
				`${this.tokenizer.vocabFile} has ${this.tokenizer.vocabSize} pieces` +
					(added ? ` and tokenizer_config.json ${added} added tokens` : "") +
					`, config.json says that the model has ${vocabulary}`,
			);
		}
		const positions = config.max_position_embeddings;
		if (Number.isInteger(positions) && this.maxLength > (positions as number)) {
			problems.push(`manifest.json allows ${this.maxLength} tokens, config.json ${positions}`);
		}
		if (problems.length) throw new BundleError(listed(`the parts of the bundle ${location} don't fit:`, problems));
	}

	/**
	 * The tokens of a text, or of a pair of texts, as one sequence. What is too long is cut off at the end; the session
	 * warns of that, but only once.
	 *
	 * Throws a UsageError if a [MASK] would be cut off, or if cutting only one text does not help.
	 */
	protected encode(givenText: string, givenPair: string | undefined, limits: EncodeLimits = {}): Encoding {
		const { keepMasks = false, truncation = "longest_first", maxLength } = limits;
		const limit = maxLength ?? this.maxLength;
		const { tokenizer } = this;
		// What is far behind the limit is cut off in any case, so it is not tokenized.
		const text = tokenizer.beginning(givenText, limit);
		const isCut = truncation === "longest_first" && givenPair !== undefined;
		const pair = isCut ? tokenizer.beginning(givenPair, limit) : givenPair;
		const [whole] = tokenizer.encode(text, pair) as [Encoding];
		if (whole.length <= limit) return whole;
		const more = text === givenText && pair === givenPair ? "" : "more than ";
		const [cut] = tokenizer.encode(text, pair, { truncation, maxLength: limit }) as [Encoding];
		const { mask } = tokenizer.specialTokens;
		const behind = count(mask, [givenText, givenPair]) - count(mask, [text, pair]);
		const masks = this.maskCount(whole) + behind;
		const kept = this.maskCount(cut);
		if (keepMasks && kept < masks) {
			throw new UsageError(
				`the text has ${more}${whole.length} tokens and the model takes ${limit}: ${masks - kept} of ${masks} ${mask} ` +
					"would be cut off; shorten what stands around the masks",
			);
		}
		if (maxLength === undefined) {
			this.onceWarnings.log(
				"truncation",
				`the text has ${more}${whole.length} tokens and the model takes ${limit}: ${more}` +
					`${whole.length - limit} tokens at the end were left out (said once for each session)`,
			);
		}
		return cut;
	}

	private maskCount(encoding: Encoding): number {
		return Array.from(encoding.ids).filter((id) => id === this.tokenizer.maskTokenId).length;
	}
}

/** Throws the signal's reason if it has been aborted; before that, it gives the messages that abort it a turn. */
export async function checkSignal(signal: AbortSignal | undefined): Promise<void> {
	if (signal === undefined) return;
	await new Promise((resolve) => setTimeout(resolve, 0));
	signal.throwIfAborted();
}

/**
 * The arguments of a call by their Python names.
 *
 * Throws a UsageError if one is unknown or a required one is missing.
 *
 * @param known the names of all arguments
 * @param required the names of those that must be given
 */
export function checkFields(
	fields: Readonly<Record<string, unknown>>,
	known: readonly string[],
	required: readonly string[],
): Readonly<Record<string, unknown>> {
	const foreign = Object.keys(fields).find((name) => !known.includes(name));
	if (foreign !== undefined) {
		throw new UsageError(
			`it does not fit the arguments of the call: got an unexpected keyword argument ${repr(foreign)}`,
		);
	}
	const missing = required.find((name) => fields[name] === undefined);
	if (missing !== undefined) {
		throw new UsageError(`it does not fit the arguments of the call: missing a required argument: ${repr(missing)}`);
	}
	// What Python calls None is undefined here.
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

/** How often `token` is written in the texts. */
function count(token: string, texts: readonly (string | undefined)[]): number {
	return texts.reduce((sum, text) => sum + (text ?? "").split(token).length - 1, 0);
}

/** The first `length` elements of the second axis. */
function shortened(tensor: Tensor, length: number): Tensor {
	const [batch = 0, , ...rest] = tensor.dims;
	const size = rest.reduce((product, axis) => product * axis, length);
	const parts = Array.from({ length: batch }, (_, index) => row(tensor, index).data.subarray(0, size));
	return concatenate(parts.map((data) => ({ dims: [1, length, ...rest], data })));
}
