/** The sessions of fill-mask and pretraining, which predict the pieces behind masks. */

import type { Filled, SentenceOrder } from "../answers";
import type { Source } from "../bundle/open-source";
import { checkCount, checkText } from "../checks";
import { UsageError } from "../errors";
import { type LoadOptions, openSession } from "../open-session";
import { maskedPositions } from "../pad-batch";
import { judgeOrder } from "../postprocessing/classification";
import { fillMasks, targetPieces } from "../postprocessing/masked-words";
import { repr, typeName } from "../repr";
import { AlbertSession, type CallOptions, checkFields, type PreparedRequest } from "../session";
import { MASKED_POSITIONS } from "../tasks";
import { type Inputs, output } from "../tensors";

const MASK_TOKEN = "[MASK]";

/** The options of `PretrainingSession.order`. */
export interface OrderOptions extends CallOptions {
	/** the number of pieces for each mask (default: 5) */
	topK?: number | undefined;
}

/** The options of `FillMaskSession.fill`. */
export interface FillOptions extends CallOptions {
	/** the number of pieces for each mask (default: 5) */
	topK?: number | undefined;
	/**
	 * compare only these words or pieces; their scores stay probabilities among the whole vocabulary. A word that is not one
	 * piece of the vocabulary is represented by its first piece; the session warns of that once for each word.
	 */
	targets?: string | readonly string[] | undefined;
}

/** Two texts -> whether they are in their original order, and pieces for the masks in them. */
export class PretrainingSession extends AlbertSession {
	static readonly task: string = "pretraining";

	/** Open the bundle in `source`; see `openSession` for what is thrown. */
	static load(source: Source, options: LoadOptions = {}): Promise<PretrainingSession> {
		return openSession(source, options, [PretrainingSession]);
	}

	/**
	 * Predict the order of two texts, and the `topK` best pieces for each [MASK] in them.
	 *
	 * A graph with the head "sentence-order" predicts the order alone: `filled` of the answer is empty.
	 *
	 * Throws a UsageError if a text is empty, or so long that a [MASK] would be cut off that the graph has scores for.
	 */
	async order(first: string, second: string, options: OrderOptions = {}): Promise<SentenceOrder> {
		return this.answerPrepared(this.prepare(first, second, options), options.signal);
	}

	/** Check and tokenize a request; the arguments, and what is thrown, are those of `order`. */
	prepare(first: string, second: string, options: OrderOptions = {}): PreparedRequest<SentenceOrder> {
		const topK = checkCount("top_k", options.topK ?? 5);
		const texts = [
			withOwnMask(this, checkText("first", first)),
			withOwnMask(this, checkText("second", second)),
		] as const;
		const fills = "prediction_logits" in this.manifest.graphTask.outputs; // not with the head "sentence-order"
		const encoding = this.encode(...texts, { keepMasks: fills });
		return {
			encodings: [encoding],
			finish: ([outputs = {}]) => {
				if (!fills) return judgeOrder(output(outputs, "sop_logits"), []);
				const masked = { encoding, texts, topK };
				const filled = fillMasks(output(outputs, "prediction_logits"), masked, this.tokenizer);
				return judgeOrder(output(outputs, "sop_logits"), filled);
			},
		};
	}

	override prepareFields(given: Readonly<Record<string, unknown>>): PreparedRequest<SentenceOrder> {
		const fields = checkFields(given, ["first", "second", "top_k"], ["first", "second"]);
		return this.prepare(fields.first as string, fields.second as string, {
			topK: fields.top_k as number | undefined,
		});
	}
}

/** A text with [MASK] in it -> the pieces that may stand there. */
export class FillMaskSession extends AlbertSession {
	static readonly task: string = "fill-mask";

	/** Open the bundle in `source`; see `openSession` for what is thrown. */
	static load(source: Source, options: LoadOptions = {}): Promise<FillMaskSession> {
		return openSession(source, options, [FillMaskSession]);
	}

	/**
	 * The `topK` best pieces for each [MASK], best first; the masks are in the order of the text. Each mask is filled by
	 * itself, while the others stay masked.
	 *
	 * Throws a UsageError if there is no [MASK], or the text is so long that one would be cut off; or if no target has a
	 * piece.
	 */
	async fill(text: string, options: FillOptions = {}): Promise<Filled[][]> {
		return this.answerPrepared(this.prepare(text, options), options.signal);
	}

	/** Check and tokenize a request; the arguments, and what is thrown, are those of `fill`. */
	prepare(given: string, options: FillOptions = {}): PreparedRequest<Filled[][]> {
		const topK = checkCount("top_k", options.topK ?? 5);
		const targets = options.targets === undefined ? undefined : this.targetIds(options.targets);
		const text = withOwnMask(this, checkText("text", given));
		const encoding = this.encode(text, undefined, { keepMasks: true });
		if (!Array.from(encoding.ids).includes(this.tokenizer.maskTokenId)) {
			const { mask } = this.tokenizer.specialTokens;
			throw new UsageError(`there is no ${mask} in the text; write one, as in "Paris is the ${mask} of France."`);
		}
		const masked = { encoding, texts: [text], topK, targets, masksOnly: this.takesPositions };
		return {
			encodings: [encoding],
			finish: ([outputs = {}]) => fillMasks(output(outputs, "logits"), masked, this.tokenizer),
		};
	}

	override prepareFields(given: Readonly<Record<string, unknown>>): PreparedRequest<Filled[][]> {
		const fields = checkFields(given, ["text", "top_k", "targets"], ["text"]);
		return this.prepare(fields.text as string, {
			topK: fields.top_k as number | undefined,
			targets: fields.targets as string | string[] | undefined,
		});
	}

	protected override completed(inputs: Inputs): Inputs {
		const { input_ids } = inputs;
		if (!this.takesPositions || MASKED_POSITIONS in inputs || input_ids === undefined) return inputs;
		return { ...inputs, [MASKED_POSITIONS]: maskedPositions(input_ids, this.tokenizer.maskTokenId) };
	}

	/** Whether the graph has the head "masked", which is told where the masks are and gives no other logits. */
	private get takesPositions(): boolean {
		return MASKED_POSITIONS in (this.manifest.graphTask.moreInputs ?? {});
	}

	/** The ids of the pieces that stand for `targets`, without repetitions. */
	private targetIds(targets: string | readonly string[]): number[] {
		if (typeof targets !== "string" && !Array.isArray(targets)) {
			throw new UsageError(`targets must be a list of texts, not ${typeName(targets)}`);
		}
		const given: readonly string[] = typeof targets === "string" ? [targets] : targets;
		given.forEach((target, index) => {
			if (typeof target === "string") return;
			throw new UsageError(`targets[${index}] must be a str, not ${typeName(target)}`);
		});
		const pieces = targetPieces(given, this.tokenizer);
		for (const [target, piece] of pieces) {
			if (piece === target) continue;
			const stands = piece === null ? "it is left out" : `its first piece ${repr(piece)} is scored`;
			const message = `the target ${repr(target)} is not a piece of the vocabulary: ${stands}`;
			this.onceWarnings.log(`target ${target}`, message);
		}
		const found = [...new Set(pieces.values())].filter((piece) => piece !== null);
		if (!found.length) {
			throw new UsageError("targets holds no word that the tokenizer knows; give one or more, such as ['capital']");
		}
		return this.tokenizer.convertTokensToIds(found);
	}
}

/** `text` with the mask of the model's vocabulary in place of [MASK], where the vocabulary has another one. */
function withOwnMask(session: AlbertSession, text: string): string {
	return text.replaceAll(MASK_TOKEN, () => session.tokenizer.specialTokens.mask);
}
