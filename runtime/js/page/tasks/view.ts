/** What each task shows: its fields, how they become a request, and how an answer looks. */

import type { Call, Facts } from "../site";

export interface View {
	/** the fields, in the order of the form */
	readonly fields: HTMLElement[];
	/** Fills the fields with a request. */
	fill(call: Call): void;
	/** The request that the fields hold, or a sentence that says what is missing. */
	read(): Call | string;
	/** The answer as elements, and as a sentence for screen readers. */
	show(answer: unknown, call: Call): Shown;
}

export interface Shown {
	elements: HTMLElement[];
	sentence: string;
}

/** Makes the view of a task. `changed` is called when a button changes a field. */
export type ViewMaker = (facts: Facts, changed: () => void) => View;
