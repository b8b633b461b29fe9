/** What the page needs of the browser, and what to say where it is missing. */

import { checkWebAssembly, isOutOfMemory } from "../src/engines/web-assembly";
import { messageOf } from "./messages";

/** Why the page can't work here, in a sentence or two; "" if it can. */
export function obstacle(): string {
	if (location.protocol === "file:") {
		const folder = decodeURIComponent(location.pathname)
			.replace(/[^/]*$/, "")
			.replace(/\/$/, "");
		return (
			"This page was opened from a file, and browsers let such a page read no other files. Serve its folder instead, " +
			`and open the address that the command prints:\npython -m http.server --directory ${quoted(folder)}`
		);
	}
	try {
		checkWebAssembly("this page");
	} catch (error) {
		return `This does not work here: ${messageOf(error)}.`;
	}
	if (typeof Worker !== "function" || typeof fetch !== "function") {
		return "This browser has no Web Workers. Use a current version of Chrome, Edge, Firefox or Safari.";
	}
	return "";
}

/** A folder as it is typed in a shell. */
function quoted(folder: string): string {
	return /^[\w./:+@-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
}

/** Whether an error's message says that memory ran out. Browsers and engines have no class of their own for that. */
export function lacksMemory(message: string): boolean {
	return isOutOfMemory(message) || /not enough memory|invalid typed array length/i.test(message);
}
