/** The table of tasks: the tensors of each task's graph. It is that of albert_runtime/tasks.py. */

export const CHOICES = "num_choices";
export const SEQUENCE = "sequence_length";
export const INPUT_NAMES = ["input_ids", "attention_mask", "token_type_ids"] as const;

/** The outputs of a graph: name -> its axes. */
export type OutputAxes = Readonly<Record<string, readonly string[]>>;

/** One task, or one task with another head. */
export interface Task {
	readonly name: string;
	/** the axes of each input */
	readonly inputAxes: readonly string[];
	readonly outputs: OutputAxes;
	/** whether the manifest names the outputs in `labels` */
	readonly labelled?: boolean;
	/** outputs that a graph may lack, because there are checkpoints without the weights that compute them */
	readonly optionalOutputs?: readonly string[];
	/** the name of another head -> its outputs */
	readonly heads?: Readonly<Record<string, OutputAxes>>;
	/** the head that the graph has; "" for the usual one */
	readonly head?: string;
}

const BATCH = "batch_size";
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
	},
	{ name: "fill-mask", inputAxes: SEQUENCES, outputs: { logits: [BATCH, SEQUENCE, "vocab_size"] } },
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
				start_top_log_probs: [BATCH, "start_n_top"],
				start_top_index: [BATCH, "start_n_top"],
				end_top_log_probs: [BATCH, "start_n_top * end_n_top"],
				end_top_index: [BATCH, "start_n_top * end_n_top"],
				cls_logits: [BATCH],
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
	const outputs = head ? (task.heads?.[head] ?? task.outputs) : task.outputs;
	const kept = Object.entries(outputs).filter(([output]) => !missing.includes(output));
	return { ...task, head, outputs: Object.fromEntries(kept) };
}
