/** Fill-mask: the text with the best pieces in place of its masks, and the alternatives. */

import type { Filled } from "../../src/answers";
import { TextField } from "../dom";
import { passage } from "../passage";
import type { Call, Facts } from "../site";
import { maskBars, maskButton } from "./masks";
import type { Shown, View } from "./view";

export function fillMask(facts: Facts, changed: () => void): View {
	const text = new TextField(`Text with ${facts.maskToken}`, 4);
	return {
		fields: [text.element, maskButton(facts.maskToken, text, changed)],
		fill(call: Call): void {
			text.value = call.text ?? "";
		},
		read: () =>
			text.value.includes(facts.maskToken) ? { text: text.value } : `Type a text with ${facts.maskToken} in it.`,
		show: (answer, call) => show(answer as Filled[][], call.text ?? "", facts.maskToken),
	};
}

function show(masks: Filled[][], text: string, mask: string): Shown {
	const parts = text.split(mask);
	let filled = parts[0] ?? "";
	const marks = [];
	for (const [index, pieces] of masks.entries()) {
		const start = filled.length;
		filled += pieces[0]?.token ?? "";
		marks.push({ start, end: filled.length, kind: "answer" });
		filled += parts[index + 1] ?? "";
	}
	const shown = passage(filled, marks);
	shown.classList.add("sentence");
	return { elements: [shown, ...maskBars(masks)], sentence: `${filled}` };
}
