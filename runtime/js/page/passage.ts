/** A text with marked places. */

import { element } from "./dom";

export interface Mark {
	/** UTF-16 code units of the text */
	start: number;
	end: number;
	/** the class of the mark */
	kind: string;
	/** shown behind the marked text, so that colour alone says nothing */
	label?: string;
}

/** The text with its marks, which must not overlap. */
export function passage(text: string, marks: Mark[]): HTMLElement {
	const shown = element("p", { class: "passage", dir: "auto" });
	let done = 0;
	for (const mark of [...marks].sort((a, b) => a.start - b.start)) {
		if (mark.start < done || mark.end <= mark.start) {
			continue;
		}
		const marked = element("mark", { class: mark.kind }, text.slice(mark.start, mark.end));
		if (mark.label) {
			marked.append(element("span", { class: "tag" }, mark.label));
		}
		shown.append(text.slice(done, mark.start), marked);
		done = mark.end;
	}
	shown.append(text.slice(done));
	return shown;
}
