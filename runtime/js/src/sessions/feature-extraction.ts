/** The session of feature extraction: text to vectors. */

import type { Embedding } from "../answers";
import type { Source } from "../bundle/open-source";
import { checkCount, checkText } from "../checks";
import { BundleError, UsageError } from "../errors";
import { type LoadOptions, openSession } from "../open-session";
import { type EmbeddingOptions, embeddingOptions, POOLINGS, pool, similarity } from "../postprocessing/pooling";
import { repr } from "../repr";
import { AlbertSession, type CallOptions, checkFields, type PreparedRequest } from "../session";
import { output, row } from "../tensors";
import { strip } from "../white-space";

/** The options of a call. */
export interface EmbedOptions extends CallOptions {
	/** "cls", "mean" or "max" of the tokens' vectors, or "pooler" for the model's pooler; undefined for what the bundle says */
	pooling?: "pooler" | "cls" | "mean" | "max" | undefined;
	/** divide the vector by its length; undefined for what the bundle says */
	normalize?: boolean | undefined;
	/** the most tokens, special tokens included; undefined for as many as the bundle allows */
	maxLength?: number | undefined;
}

/** Text -> vectors. */
export class FeatureExtractionSession extends AlbertSession {
	static readonly task: string = "feature-extraction";

	/** Open the bundle in `source`; see `openSession` for what is thrown. */
	static load(source: Source, options: LoadOptions = {}): Promise<FeatureExtractionSession> {
		return openSession(source, options, [FeatureExtractionSession]);
	}

	/** How the bundle makes one vector of a text. */
	get options(): EmbeddingOptions {
		return embeddingOptions(this.manifest.embedding);
	}

	/**
	 * The embedding of the text. A text that is too long is cut off at the end.
	 *
	 * Throws a UsageError if the text is empty, or an option is wrong.
	 */
	async embed(text: string, options: EmbedOptions = {}): Promise<Embedding> {
		return this.answerPrepared(this.prepare(text, options), options.signal);
	}

	/** Check and tokenize a request; the arguments, and what is thrown, are those of `embed`. */
	prepare(given: string, options: EmbedOptions = {}): PreparedRequest<Embedding> {
		const own = this.options;
		const { pooling = own.pooling, normalize = own.normalize, maxLength } = options;
		if (!POOLINGS.includes(pooling)) {
			throw new UsageError(`pooling=${repr(pooling)} is unknown; choose one of ${POOLINGS.map(repr).join(", ")}`);
		}
		if (pooling === "pooler" && !this.hasPooler) {
			throw new UsageError("the model has no pooler, so pooling can't be 'pooler'; choose 'cls', 'mean' or 'max'");
		}
		checkText("text", given);
		const text = own.lowerCase ? strip(given).toLowerCase() : given;
		const encoding = this.encode(text, undefined, { maxLength: this.checkedLength(maxLength) });
		return {
			encodings: [encoding],
			finish: ([outputs = {}]) => {
				const padded = output(outputs, "last_hidden_state");
				const hidden = padded.dims[1] ?? 0;
				const data = padded.data.subarray(0, encoding.length * hidden);
				const tokens = { dims: [encoding.length, hidden], data };
				return {
					vector: pool(tokens, outputs.pooler_output, pooling, normalize),
					tokens: Array.from({ length: encoding.length }, (_, index) => row(tokens, index).data.slice()),
				};
			},
		};
	}

	override prepareFields(given: Readonly<Record<string, unknown>>): PreparedRequest<Embedding> {
		const fields = checkFields(given, ["text", "pooling", "normalize", "max_length"], ["text"]);
		return this.prepare(fields.text as string, {
			pooling: fields.pooling as EmbedOptions["pooling"],
			normalize: fields.normalize as boolean | undefined,
			maxLength: fields.max_length as number | undefined,
		});
	}

	/**
	 * How similar two embeddings are: the cosine of their vectors, unless the bundle names another function.
	 *
	 * Throws a UsageError if the vectors have different lengths.
	 */
	similarity(first: Embedding, second: Embedding): number {
		return similarity(first.vector, second.vector, this.options.similarity);
	}

	protected override checkPartsFit(): void {
		super.checkPartsFit();
		// Reading the options refuses what this runtime does not know.
		if (this.options.pooling === "pooler" && !this.hasPooler) {
			throw new BundleError(`the manifest of ${this.bundle.location} asks for a pooler, which the graph does not have`);
		}
	}

	private get hasPooler(): boolean {
		return "pooler_output" in this.manifest.graphTask.outputs;
	}

	private checkedLength(maxLength: number | undefined): number | undefined {
		if (maxLength === undefined) return undefined;
		checkCount("max_length", maxLength, 3); // [CLS], one token of the text, [SEP]
		if (maxLength > this.maxLength) {
			throw new UsageError(`max_length=${maxLength} is too long; the model takes at most ${this.maxLength} tokens`);
		}
		return maxLength;
	}
}
