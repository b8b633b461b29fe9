/** Multiple choice: a bar for each choice, which can be added and removed. */

import type { Choice } from "../../src/answers";
import { barList } from "../bars";
import { element, percent, TextField } from "../dom";
import type { Call, Facts } from "../site";
import type { Shown, View } from "./view";

/** one is nothing to choose from, and more than this are hard to read */
const FEWEST = 2;
const MOST = 10;

export function multipleChoice(_facts: Facts, changed: () => void): View {
	const prompt = new TextField("Prompt", 3);
	const context = new TextField("Text", 4);
	const background = element(
		"details",
		{},
		element("summary", {}, "A text that the prompt is about, for models that take one"),
		context.element,
	);
	const list = element("div", { class: "choices" });
	const add = element("button", { type: "button", class: "secondary" }, "Add a choice");
	const choices = element("fieldset", {}, element("legend", {}, "Choices"), list, add);

	const boxes = () => [...list.querySelectorAll("input")];
	const renumber = () => {
		for (const [index, row] of [...list.children].entries()) {
			row.querySelector("input")?.setAttribute("aria-label", `Choice ${index + 1}`);
			const remove = row.querySelector("button");
			remove?.setAttribute("aria-label", `Remove choice ${index + 1}`);
			remove?.toggleAttribute("disabled", list.children.length <= FEWEST);
		}
		add.toggleAttribute("disabled", list.children.length >= MOST);
	};
	const append = (text: string) => {
		const box = element("input", { type: "text", autocomplete: "off", dir: "auto" });
		box.value = text;
		const remove = element("button", { type: "button", class: "remove" }, "×");
		const row = element("div", { class: "choice" }, box, remove);
		remove.addEventListener("click", () => {
			const place = [...list.children].indexOf(row);
			row.remove();
			renumber();
			boxes()[Math.min(place, list.children.length - 1)]?.focus(); // the focus would be lost with the button
			changed();
		});
		list.append(row);
		renumber();
		return box;
	};
	add.addEventListener("click", () => append("").focus());

	return {
		fields: [prompt.element, choices, background],
		fill(call: Call): void {
			prompt.value = call.prompt ?? "";
			context.value = call.context ?? "";
			background.open = context.value !== "";
			list.replaceChildren();
			for (const choice of call.choices ?? ["", ""]) {
				append(choice);
			}
		},
		read(): Call | string {
			const texts = boxes()
				.map((box) => box.value)
				.filter((text) => text.trim());
			if (!prompt.value.trim() || texts.length < FEWEST) {
				return "Type a prompt and at least two choices.";
			}
			const call = { prompt: prompt.value, choices: texts };
			return context.value.trim() ? { ...call, context: context.value } : call;
		},
		show: (answer, call) => show(answer as Choice, call.choices ?? []),
	};
}

function show(choice: Choice, choices: string[]): Shown {
	const bars = choices.map((name, index) => ({
		name,
		score: choice.scores[index] ?? 0,
		best: index === choice.index,
	}));
	return {
		elements: [
			element("p", { class: "headline" }, choice.text),
			element("p", { class: "certainty" }, `${percent(choice.score)} sure`),
			barList("Choices and their probabilities", bars),
		],
		sentence: `${choice.text} ${percent(choice.score)}.`,
	};
}
