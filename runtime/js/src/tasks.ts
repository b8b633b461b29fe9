/** The table of tasks: the tensors of each task's graph. It is that of albert_runtime/tasks.py. */

export const CHOICES = "num_choices";
export const SEQUENCE = "sequence_length";
/** the inputs that every graph has */
export const INPUT_NAMES = ["input_ids", "attention_mask", "token_type_ids"] as const;
/**
 * The input of the head "masked" of fill-mask: the places of the masked tokens in each sequence, from 0. A sequence with
 * fewer of them than others of its batch is filled up with 0, and the outputs for these places are not read.
 */
export const MASKED_POSITIONS = "masked_positions";

/** Tensors of a graph: name -> its axes. */
export type TensorAxes = Readonly<Record<string, readonly string[]>>;

/** Another head for a task: its graph answers the same requests with other outputs. */
export interface Head {
	readonly outputs: TensorAxes;
	/** inputs of the graph besides INPUT_NAMES */
	readonly moreInputs?: TensorAxes;
}

/** One task, or one task with another head. */
export interface Task {
	readonly name: string;
	/** the axes of each input */
	readonly inputAxes: readonly string[];
	readonly outputs: TensorAxes;
	/** whether the manifest names the outputs in `labels` */
	readonly labelled?: boolean;
	/** outputs that a graph may lack, because there are checkpoints without the weights that compute them */
	readonly optionalOutputs?: readonly string[];
	/** the name of another head -> that head */
	readonly heads?: Readonly<Record<string, Head>>;
	/** the head that the graph has; "" for the usual one */
	readonly head?: string;
	/** see `Head` */
	readonly moreInputs?: TensorAxes;
}

const BATCH = "batch_size";
const MASKED = "num_masked";
const SEQUENCES = [BATCH, SEQUENCE] as const;
/** the name of Google's head for SQuAD v2.0 in manifests */
export const BEAM_SEARCH = "beam-search";

const ALL: readonly Task[] = [
	{
		name: "feature-extraction",
		inputAxes: SEQUENCES,
		outputs: { last_hidden_state: [BATCH, SEQUENCE, "hidden_size"], pooler_output: [BATCH, "hidden_size"] },
		optionalOutputs: ["pooler_output"],
	},
	{
		name: "pretraining",
		inputAxes: SEQUENCES,
		outputs: { prediction_logits: [BATCH, SEQUENCE, "vocab_size"], sop_logits: [BATCH, "2"] },
		heads: { "sentence-order": { outputs: { sop_logits: [BATCH, "2"] } } },
	},
	{
		name: "fill-mask",
		inputAxes: SEQUENCES,
		outputs: { logits: [BATCH, SEQUENCE, "vocab_size"] },
		heads: {
			masked: {
				outputs: { logits: [BATCH, MASKED, "vocab_size"] },
				moreInputs: { [MASKED_POSITIONS]: [BATCH, MASKED] },
			},
		},
	},
	{ name: "text-classification", inputAxes: SEQUENCES, outputs: { logits: [BATCH, "num_labels"] }, labelled: true },
	{
		name: "token-classification",
		inputAxes: SEQUENCES,
		outputs: { logits: [BATCH, SEQUENCE, "num_labels"] },
		labelled: true,
	},
	{ name: "multiple-choice", inputAxes: [BATCH, CHOICES, SEQUENCE], outputs: { logits: [BATCH, CHOICES] } },
	{
		name: "question-answering",
		inputAxes: SEQUENCES,
		outputs: { start_logits: SEQUENCES, end_logits: SEQUENCES },
		heads: {
			[BEAM_SEARCH]: {
				outputs: {
					start_top_log_probs: [BATCH, "start_n_top"],
					start_top_index: [BATCH, "start_n_top"],
					end_top_log_probs: [BATCH, "start_n_top * end_n_top"],
					end_top_index: [BATCH, "start_n_top * end_n_top"],
					cls_logits: [BATCH],
				},
			},
		},
	},
];

/** The tasks by their names. */
export const TASKS: ReadonlyMap<string, Task> = new Map(ALL.map((task) => [task.name, task]));

/** The task of a graph with this head ("" for the usual one) that lacks the `missing` outputs. */
export function graphTask(name: string, head = "", missing: readonly string[] = []): Task {
	const task = TASKS.get(name);
	if (task === undefined) throw new RangeError(`there is no task ${name}`);
	const { outputs, moreInputs = {} } = (head && task.heads?.[head]) || task;
	const kept = Object.entries(outputs).filter(([output]) => !missing.includes(output));
	return { ...task, head, outputs: Object.fromEntries(kept), moreInputs };
}

/** The names of the inputs of a graph. */
export function inputNames(task: Task): string[] {
	return [...INPUT_NAMES, ...Object.keys(task.moreInputs ?? {})];
}
