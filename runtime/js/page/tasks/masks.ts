/** What fill-mask and pretraining share: a button that inserts the mask, and the pieces that fit in its place. */

import type { Filled } from "../../src/answers";
import { barList } from "../bars";
import { element, heading, type TextField } from "../dom";

/** A button that puts the mask where the cursor is in `field`. */
export function maskButton(mask: string, field: TextField, changed: () => void): HTMLElement {
	const button = element("button", { type: "button", class: "secondary" }, `Insert ${mask}`);
	button.addEventListener("click", () => {
		const { selectionStart, selectionEnd, value } = field.box;
		const before = value.slice(0, selectionStart);
		const space = before === "" || /\s$/.test(before) ? "" : " ";
		field.box.setRangeText(space + mask, selectionStart, selectionEnd, "end");
		field.box.focus();
		changed();
	});
	return button;
}

/** The pieces for each mask, best first. */
export function maskBars(masks: readonly (readonly Filled[])[]): HTMLElement[] {
	return masks.flatMap((pieces, index) => {
		const title = masks.length > 1 ? `Mask ${index + 1}` : "Alternatives";
		const bars = pieces.map((piece, place) => ({ name: piece.token, score: piece.score, best: place === 0 }));
		return [heading(title), barList(`${title}: pieces and their probabilities`, bars)];
	});
}
