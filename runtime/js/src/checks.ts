/** Checks of what a session's call was given. */

import { UsageError } from "./errors";
import { repr, typeName } from "./repr";
import { strip } from "./white-space";

/** `text`, if it can be part of a request. Throws a UsageError if it is no string, or nothing but white space. */
export function checkText(name: string, text: unknown): string {
	if (typeof text !== "string") {
		const hint = text instanceof Uint8Array ? "; decode it first: text.decode('utf-8')" : "";
		throw new UsageError(`${name} must be a str, not ${typeName(text)}${hint}`);
	}
	if (!strip(text)) throw new UsageError(`${name} is empty${text ? " but for white space" : ""}; give it some text`);
	return text;
}

/** `count`, if it is a whole number and not less than `least`. Throws a UsageError if it is not. */
export function checkCount(name: string, count: unknown, least = 1): number {
	if (typeof count !== "number" || !Number.isInteger(count) || count < least) {
		throw new UsageError(`${name} must be a whole number, ${least} or more, not ${repr(count)}`);
	}
	return count;
}
