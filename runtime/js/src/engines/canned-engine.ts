/** An engine without a model, for tests of the code that uses a session. */

import { graphTask, inputNames } from "../tasks";
import type { Inputs, Outputs } from "../tensors";
import type { Engine } from "./engine";

/** Returns the outputs that it was given, or that a function makes of the inputs of a run. */
export class CannedEngine implements Engine {
	readonly name = "canned";
	readonly version = "0";
	readonly inputNames: readonly string[];
	readonly outputNames: readonly string[];
	/** the inputs of every run, in the order of the runs */
	readonly runs: Inputs[] = [];

	/**
	 * @param task the full name of the task whose outputs it returns
	 * @param answer the outputs, or a function that makes them
	 * @param head the head whose outputs these are; "" for the usual one
	 */
	constructor(
		task: string,
		private readonly answer: Outputs | ((inputs: Inputs) => Outputs),
		head = "",
	) {
		const graph = graphTask(task, head);
		this.inputNames = inputNames(graph);
		this.outputNames = Object.keys(graph.outputs);
	}

	async run(inputs: Inputs): Promise<Outputs> {
		this.runs.push(inputs);
		return typeof this.answer === "function" ? this.answer(inputs) : this.answer;
	}
}
