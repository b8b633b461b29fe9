/** Token classification: the entities, coloured in the text, with a legend. */

import type { Entity } from "../../src/answers";
import { element, heading, percent, TextField } from "../dom";
import { passage } from "../passage";
import type { Call, Facts } from "../site";
import type { Shown, View } from "./view";

/** as many as `style.css` has colours */
const COLOURS = 8;

export function tokenClassification(facts: Facts): View {
	const text = new TextField("Text", 6);
	return {
		fields: [text.element],
		fill(call: Call): void {
			text.value = call.text ?? "";
		},
		read: () => (text.value.trim() ? { text: text.value } : "Type a text."),
		show: (answer, call) => show(answer as Entity[], call.text ?? "", kindsOf(facts.labels)),
	};
}

/** The kinds of entities that a model knows, in the order of its labels: B-PER and I-PER are one kind. */
function kindsOf(labels: string[]): string[] {
	return [...new Set(labels.filter((label) => label !== "O").map((label) => label.replace(/^[BIESLU]-/, "")))];
}

function show(entities: Entity[], text: string, kinds: string[]): Shown {
	const classOf = (label: string) => `entity entity-${Math.max(0, kinds.indexOf(label)) % COLOURS}`;
	const marks = entities.map((one) => ({ ...one, kind: classOf(one.label) }));
	const legend = element("ul", { class: "legend", "aria-label": "Kinds of entities and how many were found" });
	for (const kind of kinds) {
		const count = entities.filter((one) => one.label === kind).length;
		legend.append(element("li", {}, element("mark", { class: classOf(kind) }, kind), ` ${count}`));
	}
	const rows = entities.map((one) =>
		element(
			"tr",
			{},
			element("th", { scope: "row" }, one.text),
			element("td", {}, one.label),
			element("td", {}, percent(one.score)),
		),
	);
	const heads = ["Entity", "Kind", "Score"].map((name) => element("th", { scope: "col" }, name));
	const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
	const none = "Nothing of these kinds is in the text.";
	return {
		elements: [legend, passage(text, marks), heading("Found"), entities.length ? table : element("p", {}, none)],
		sentence: entities.length ? `Found: ${entities.map((one) => `${one.text}, ${one.label}`).join("; ")}.` : none,
	};
}
