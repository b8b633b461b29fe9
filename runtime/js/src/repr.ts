/** Values as Python's `repr` writes them, so that error messages are the same in every language. */

/** Characters that `repr` escapes: controls, separators, what is not assigned, and lone surrogates. */
const ESCAPED = /[\p{C}\p{Z}]/u;

/** `value` as Python's `repr` writes the same value. */
export function repr(value: unknown): string {
	if (value === null || value === undefined) return "None";
	if (value === true) return "True";
	if (value === false) return "False";
	if (typeof value === "string") return reprString(value);
	if (typeof value === "number") return reprNumber(value);
	if (Array.isArray(value) || ArrayBuffer.isView(value)) return `[${[...(value as unknown[])].map(repr).join(", ")}]`;
	if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) {
		const items = Object.entries(value).map(([name, one]) => `${repr(name)}: ${repr(one)}`);
		return `{${items.join(", ")}}`;
	}
	return String(value);
}

/** The first `most` characters of `repr(value)`, as Python's format `!r:.80` gives them. */
export function shortRepr(value: unknown, most: number): string {
	return [...repr(value)].slice(0, most).join("");
}

/** The name of Python's type for `value`. */
export function typeName(value: unknown): string {
	if (value === null || value === undefined) return "NoneType";
	if (typeof value === "string") return "str";
	if (typeof value === "boolean") return "bool";
	if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
	if (typeof value === "bigint") return "int";
	if (value instanceof Uint8Array) return "bytes";
	if (Array.isArray(value)) return "list";
	if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype) return "dict";
	return typeof value === "object" ? value.constructor.name : typeof value;
}

/** `value` with `digits` significant digits, as Python's format `.3g` gives it. */
export function general(value: number, digits: number): string {
	if (!Number.isFinite(value)) return reprNumber(value);
	if (value === 0) return "0";
	const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
	if (exponent < -4 || exponent >= digits) {
		const [mantissa = "", power = "0"] = value.toExponential(digits - 1).split("e");
		const sign = power.startsWith("-") ? "-" : "+";
		return `${withoutZeros(mantissa)}e${sign}${power.replace(/^[+-]/, "").padStart(2, "0")}`;
	}
	return withoutZeros(value.toFixed(Math.max(digits - 1 - exponent, 0)));
}

function withoutZeros(text: string): string {
	return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function reprNumber(value: number): string {
	if (Number.isNaN(value)) return "nan";
	if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
	return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

function reprString(text: string): string {
	const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
	let shown = "";
	for (const sign of text) {
		const code = sign.codePointAt(0) as number;
		if (sign === quote || sign === "\\") shown += `\\${sign}`;
		else if (sign === "\n") shown += "\\n";
		else if (sign === "\r") shown += "\\r";
		else if (sign === "\t") shown += "\\t";
		else if (sign === " " || !ESCAPED.test(sign)) shown += sign;
		else if (code < 0x100) shown += `\\x${code.toString(16).padStart(2, "0")}`;
		else if (code < 0x10000) shown += `\\u${code.toString(16).padStart(4, "0")}`;
		else shown += `\\U${code.toString(16).padStart(8, "0")}`;
	}
	return quote + shown + quote;
}
