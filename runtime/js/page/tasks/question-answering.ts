/** Question answering: the answer marked in the text, the next best ones, and how likely it is that there is none. */

import type { Answer } from "../../src/answers";
import { type Bar, barList } from "../bars";
import { element, heading, percent, TextField } from "../dom";
import { passage } from "../passage";
import type { Call } from "../site";
import type { Shown, View } from "./view";

export function questionAnswering(): View {
	const question = new TextField("Question", 2);
	const context = new TextField("Text that holds the answer", 9);
	return {
		fields: [question.element, context.element],
		fill(call: Call): void {
			question.value = call.question ?? "";
			context.value = call.context ?? "";
		},
		read(): Call | string {
			if (!question.value.trim() || !context.value.trim()) {
				return "Type a question, and the text that holds the answer.";
			}
			return { question: question.value, context: context.value };
		},
		show: (answer, call) => show(answer as Answer[], call.context ?? ""),
	};
}

function show(answers: Answer[], context: string): Shown {
	const best = answers[0];
	const text = element("div");
	const mark = (one: Answer | undefined) =>
		text.replaceChildren(passage(context, one ? [{ ...one, kind: "answer" }] : []));
	mark(best);
	if (!best) {
		return { elements: [text], sentence: "No answer was found." };
	}
	const nullScore = best.nullScore;
	const bars: Bar[] = answers.map((one, index) => ({
		name: one.text === "" ? "(no answer in the text)" : one.text,
		score: one.score,
		best: index === 0,
		onClick: () => mark(one),
	}));
	if (answers.every((one) => one.text !== "")) {
		bars.push({ name: "(no answer in the text)", score: nullScore });
	}
	const none = best.text === "";
	const headline = element("p", { class: "headline" }, none ? "The text does not answer this." : best.text);
	return {
		elements: [
			headline,
			element("p", { class: "certainty" }, `${percent(best.score)} sure`),
			heading("In the text"),
			text,
			heading("Alternatives"),
			barList("Answers and their probabilities; choose one to mark it in the text", bars),
		],
		sentence: none ? "The text does not answer this." : `Answer: ${best.text}, ${percent(best.score)}.`,
	};
}
