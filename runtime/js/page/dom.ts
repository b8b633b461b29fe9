/** Small helpers that make elements. Texts become text nodes: nothing that a user types is read as HTML. */

export type Child = Node | string;

/** A new element with attributes and children. An attribute of `false` or "" is left out, one of `true` has no value. */
export function element<K extends keyof HTMLElementTagNameMap>(
	name: K,
	attributes: Record<string, string | boolean> = {},
	...children: Child[]
): HTMLElementTagNameMap[K] {
	const made = document.createElement(name);
	for (const [attribute, value] of Object.entries(attributes)) {
		if (value !== false && value !== "") {
			made.setAttribute(attribute, value === true ? "" : value);
		}
	}
	made.append(...children);
	return made;
}

/** The element with an id of `index.html`. */
export function byId(id: string): HTMLElement {
	const found = document.getElementById(id);
	if (!found) {
		throw new Error(`index.html has no element #${id}`);
	}
	return found;
}

let fields = 0;

/** A labelled field for text, of one line or several. */
export class TextField {
	readonly box: HTMLTextAreaElement;
	readonly element: HTMLElement;

	constructor(label: string, rows: number, hint = "") {
		const id = `field-${++fields}`;
		const described = { "aria-describedby": hint && `${id}-hint` };
		this.box = element("textarea", { id, rows: String(rows), spellcheck: "false", dir: "auto", ...described });
		this.element = element("div", { class: "field" }, element("label", { for: id }, label), this.box);
		if (hint) {
			this.element.append(element("p", { class: "hint", id: `${id}-hint` }, hint));
		}
	}

	get value(): string {
		return this.box.value;
	}

	set value(text: string) {
		this.box.value = text;
	}
}

/** A probability for people: 98 %, or < 1 %. */
export function percent(score: number): string {
	if (score > 0 && score < 0.005) {
		return "< 1 %";
	}
	if (score < 1 && score >= 0.995) {
		return "> 99 %";
	}
	return `${Math.round(score * 100)} %`;
}

/** Bytes for people: 11.7 MB. */
export function megabytes(bytes: number): string {
	return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** A heading of the part of an answer. */
export function heading(text: string): HTMLElement {
	return element("h3", {}, text);
}
