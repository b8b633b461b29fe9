/** Registers the service worker, which makes the page open without a connection. */

import { messageOf } from "./messages";

/**
 * Registers `sw.js`, and says what became of it.
 *
 * @returns "" once the page's own files are stored; otherwise the reason, as the end of a sentence.
 */
export async function registerServiceWorker(): Promise<string> {
	if (!("serviceWorker" in navigator)) {
		return window.isSecureContext
			? "this browser has no service workers here"
			: "this address is not secure (https or localhost)";
	}
	try {
		// The server is asked for the script itself on every visit, whatever its caching headers say.
		const registration = await navigator.serviceWorker.register("sw.js", { updateViaCache: "none" });
		if (registration.active) {
			// A version that is newer than the one here is installed before the page says that it is stored.
			await registration.update().catch(() => undefined); // there is no connection: the version here stays
		}
		return await installed(registration);
	} catch (error) {
		return messageOf(error);
	}
}

function installed(registration: ServiceWorkerRegistration): Promise<string> {
	const worker = registration.installing ?? registration.waiting ?? registration.active;
	return new Promise((resolve) => {
		const look = () => {
			if (worker?.state === "activated") {
				resolve("");
			} else if (!worker || worker.state === "redundant") {
				// A second tab may have installed the same version a moment earlier.
				resolve(registration.active ? "" : "the browser could not store the page's files");
			}
		};
		worker?.addEventListener("statechange", look);
		look();
	});
}
