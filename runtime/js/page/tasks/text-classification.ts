/** Text classification: a bar for each label. */

import type { Label } from "../../src/answers";
import { barList } from "../bars";
import { element, percent, TextField } from "../dom";
import type { Call } from "../site";
import type { Shown, View } from "./view";

export function textClassification(): View {
	const text = new TextField("Text", 5);
	const pair = new TextField("Second text", 3);
	const second = element(
		"details",
		{},
		element("summary", {}, "A second text, for models that judge pairs"),
		pair.element,
	);
	return {
		fields: [text.element, second],
		fill(call: Call): void {
			text.value = call.text ?? "";
			pair.value = call.text_pair ?? "";
			second.open = pair.value !== "";
		},
		read(): Call | string {
			if (!text.value.trim()) {
				return "Type a text.";
			}
			return pair.value.trim() ? { text: text.value, text_pair: pair.value } : { text: text.value };
		},
		show: (answer) => show(answer as Label[]),
	};
}

function show(labels: Label[]): Shown {
	const best = labels[0];
	if (!best) {
		return { elements: [], sentence: "No label." };
	}
	// Labels of a regression have values and no probabilities.
	const values = labels.some((one) => one.score < 0 || one.score > 1);
	const shown = (one: Label) => (values ? one.score.toFixed(3) : percent(one.score));
	return {
		elements: [
			element("p", { class: "headline" }, best.label),
			element("p", { class: "certainty" }, values ? shown(best) : `${shown(best)} sure`),
			barList(
				"Labels and their scores",
				labels.map((one, index) => ({ name: one.label, score: one.score, text: shown(one), best: index === 0 })),
			),
		],
		sentence: `${best.label}, ${shown(best)}.`,
	};
}
