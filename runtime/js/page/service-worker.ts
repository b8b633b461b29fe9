/**
 * The service worker: with it the page opens without a connection.
 *
 * It stores the page's own small files; the worker of the page stores the large ones, while it loads them. Addresses
 * carry the hash of the content, so that a stored file is never an old one. The page itself is asked of the server
 * first, so that a new version appears at once. A new version takes over what did not change and removes the rest.
 */

import { addressOf, cacheName, type SiteFile } from "./site";

declare const self: ServiceWorkerGlobalScope;

interface Version {
	version: string;
	/** the page's own files, to be stored at once */
	shell: SiteFile[];
	/** the files of bundle and engine, which the page stores */
	large: SiteFile[];
}

// `albert-export web` puts the version in front of this script. Another version is another script to the browser,
// which therefore installs it.
const SITE = (self as unknown as { albertSite: Version }).albertSite;
const SCOPE = self.registration.scope;
const CACHE = cacheName(SCOPE, SITE.version);
const OWN_CACHES = CACHE.slice(0, -SITE.version.length);
/** milliseconds to wait for a slow server before the stored page is shown */
const PATIENCE = 4000;

self.addEventListener("install", (event) => {
	event.waitUntil(install());
});

self.addEventListener("activate", (event) => {
	event.waitUntil(takeOver());
});

self.addEventListener("fetch", (event) => {
	const { request } = event;
	if (request.method !== "GET" || !request.url.startsWith(SCOPE)) {
		return;
	}
	event.respondWith(request.mode === "navigate" ? page(request) : file(request));
});

async function install(): Promise<void> {
	const cache = await caches.open(CACHE);
	await Promise.all([
		cache.add(new Request(SCOPE, { cache: "no-cache" })),
		...SITE.shell.map((one) => cache.add(addressOf(one, SCOPE))),
	]);
	await self.skipWaiting();
}

async function takeOver(): Promise<void> {
	const cache = await caches.open(CACHE);
	const names = (await caches.keys()).filter((name) => name.startsWith(OWN_CACHES) && name !== CACHE);
	for (const name of names) {
		const old = await caches.open(name);
		for (const one of SITE.large) {
			const address = addressOf(one, SCOPE);
			const kept = await old.match(address);
			if (kept && !(await cache.match(address))) {
				await cache.put(address, kept);
			}
		}
		await caches.delete(name);
	}
	await self.clients.claim();
}

async function page(request: Request): Promise<Response> {
	const stored = await (await caches.open(CACHE)).match(SCOPE);
	try {
		const asked = fetch(request, stored ? { signal: AbortSignal.timeout(PATIENCE) } : undefined);
		return isolated(await asked);
	} catch (error) {
		if (stored) {
			return isolated(stored);
		}
		throw error;
	}
}

async function file(request: Request): Promise<Response> {
	const cache = await caches.open(CACHE);
	return isolated((await cache.match(request)) ?? (await fetch(request)));
}

/** The response with the headers that permit threads. Not every server of static files can be told to send them. */
function isolated(response: Response): Response {
	if (response.type === "opaqueredirect" || response.status === 0) {
		return response;
	}
	const headers = new Headers(response.headers);
	headers.set("Cross-Origin-Opener-Policy", "same-origin");
	headers.set("Cross-Origin-Embedder-Policy", "require-corp");
	headers.set("Cross-Origin-Resource-Policy", "same-origin");
	const { status, statusText } = response;
	return new Response(response.body, { status, statusText, headers });
}
