/** A list of names with their probabilities as bars. */

import { element, percent } from "./dom";

export interface Bar {
	name: string;
	/** a probability, or any number with `text` */
	score: number;
	/** what is shown instead of the probability */
	text?: string;
	/** stands out from the others */
	best?: boolean;
	/** makes the bar a button */
	onClick?: () => void;
}

/** The bars, in the order given. `label` says to screen readers what the list is. */
export function barList(label: string, bars: Bar[]): HTMLElement {
	const list = element("ul", { class: "bars", "aria-label": label });
	for (const bar of bars) {
		const row = bar.onClick ? element("button", { type: "button", class: "bar" }) : element("div", { class: "bar" });
		const fill = element("span", { class: "fill", "aria-hidden": "true" });
		// Set by script and not as an attribute, which the page's Content-Security-Policy forbids.
		fill.style.setProperty("--share", String(Math.min(1, Math.max(0, bar.score))));
		row.append(
			element("span", { class: "name" }, bar.name),
			element("span", { class: "score" }, bar.text ?? percent(bar.score)),
			element("span", { class: "track", "aria-hidden": "true" }, fill),
		);
		row.classList.toggle("best", bar.best === true);
		if (bar.onClick) {
			row.addEventListener("click", bar.onClick);
		}
		list.append(element("li", {}, row));
	}
	return list;
}
