/** Pretraining: which of two texts comes first, and the pieces in place of masks. */

import type { SentenceOrder } from "../../src/answers";
import { barList } from "../bars";
import { element, percent, TextField } from "../dom";
import type { Call, Facts } from "../site";
import { maskBars, maskButton } from "./masks";
import type { Shown, View } from "./view";

export function pretraining(facts: Facts, changed: () => void): View {
	const first = new TextField("First text", 3);
	const hint = facts.fillsMasks ? `Either text may hold ${facts.maskToken}.` : undefined;
	const second = new TextField("Second text", 3, hint);
	const buttons = facts.fillsMasks ? [maskButton(facts.maskToken, second, changed)] : [];
	return {
		fields: [first.element, second.element, ...buttons],
		fill(call: Call): void {
			first.value = call.first ?? "";
			second.value = call.second ?? "";
		},
		read(): Call | string {
			if (!first.value.trim() || !second.value.trim()) {
				return "Type two texts.";
			}
			return { first: first.value, second: second.value };
		},
		show: (answer) => show(answer as SentenceOrder),
	};
}

function show(order: SentenceOrder): Shown {
	const inOrder = order.inOrder ? order.score : 1 - order.score;
	const said = order.inOrder ? "These texts are in order." : "These texts are swapped.";
	return {
		elements: [
			element("p", { class: "headline" }, said),
			element("p", { class: "certainty" }, `${percent(order.score)} sure`),
			barList("The order of the texts and its probability", [
				{ name: "in order", score: inOrder, best: order.inOrder },
				{ name: "swapped", score: 1 - inOrder, best: !order.inOrder },
			]),
			...maskBars(order.filled),
		],
		sentence: `${said} ${percent(order.score)}.`,
	};
}
