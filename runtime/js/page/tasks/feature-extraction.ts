/** Feature extraction: how similar several texts are, as a matrix. */

import { element, TextField } from "../dom";
import type { Call, Similarities } from "../site";
import type { Shown, View } from "./view";

/** a wider matrix does not fit */
const MOST = 8;

export function featureExtraction(): View {
	const texts = new TextField("Texts, one on each line", 7, `From 2 to ${MOST} texts.`);
	return {
		fields: [texts.element],
		fill(call: Call): void {
			texts.value = (call.texts ?? []).join("\n");
		},
		read(): Call | string {
			const lines = texts.value.split("\n").filter((line) => line.trim());
			if (lines.length < 2 || lines.length > MOST) {
				return `Type from 2 to ${MOST} texts, one on each line. There ${lines.length === 1 ? "is" : "are"} ${lines.length}.`;
			}
			return { texts: lines };
		},
		show: (answer, call) => show((answer as Similarities).cosines, call.texts ?? []),
	};
}

function show(cosines: number[][], texts: string[]): Shown {
	const pairs = texts.flatMap((_, a) => texts.slice(a + 1).map((__, more) => [a, a + 1 + more] as const));
	const at = ([a, b]: readonly [number, number]) => cosines[a]?.[b] ?? 0;
	const [a, b] = pairs.reduce((best, pair) => (at(pair) > at(best) ? pair : best));
	const least = Math.min(...pairs.map(at));
	const corner = element("td");
	const heads = texts.map((_, index) => element("th", { scope: "col" }, String(index + 1)));
	const rows = texts.map((text, row) => {
		const cells = texts.map((_, column) => {
			const value = cosines[row]?.[column] ?? 0;
			const cell = element("td", { class: "cosine" }, value.toFixed(2));
			const scaled = row === column ? 0 : (value - least) / Math.max(1e-6, 1 - least);
			cell.style.setProperty("--share", String(Math.min(1, Math.max(0, scaled))));
			cell.classList.toggle("self", row === column);
			cell.classList.toggle("best", (row === a && column === b) || (row === b && column === a));
			return cell;
		});
		const name = element("th", { scope: "row" }, element("span", { class: "number" }, `${row + 1}`), ` ${text}`);
		return element("tr", {}, name, ...cells);
	});
	const table = element(
		"table",
		{ class: "matrix" },
		element("caption", {}, "Cosine similarity of each pair: 1 means the same direction"),
		element("thead", {}, element("tr", {}, corner, ...heads)),
		element("tbody", {}, ...rows),
	);
	const said = `Texts ${a + 1} and ${b + 1} are the most similar: ${at([a, b]).toFixed(2)}.`;
	return {
		elements: [
			element("p", { class: "headline small" }, said),
			element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Similarities" }, table),
		],
		sentence: said,
	};
}
