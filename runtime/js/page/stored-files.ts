/** Fetches the site's files with progress, checks them, and keeps them in the browser for use without a connection. */

import { sha256 } from "../src/bundle/sha256";
import { messageOf } from "./messages";
import { addressOf, cacheName, type Site, type SiteFile } from "./site";

/** A file of the site is missing or damaged; the message names it. */
export class SiteFileError extends Error {
	override name = "SiteFileError";
}

export class StoredFiles {
	private loaded = 0;
	private cache: Cache | undefined;
	/** why files can't be kept in the browser; "" as long as they can */
	notStored = "";

	constructor(
		private readonly site: Site,
		private readonly base: string,
		private readonly onProgress: (loaded: number) => void,
	) {}

	/** Opens the cache. Without one (plain http on a network, some private windows), files come from the server only. */
	async open(): Promise<void> {
		if (!("caches" in globalThis)) {
			this.notStored = "this address is not secure (https or localhost), so the browser keeps no files";
			return;
		}
		try {
			this.cache = await caches.open(cacheName(this.base, this.site.version));
		} catch (error) {
			this.notStored = `the browser keeps no files here (${messageOf(error)})`;
		}
	}

	/**
	 * The content of a file, from the browser's storage or else from the server.
	 *
	 * @throws SiteFileError the file is missing, or differs from the one that the site was made with.
	 */
	async read(file: SiteFile): Promise<Uint8Array> {
		const address = addressOf(file, this.base);
		const before = this.loaded;
		const kept = await this.cache?.match(address);
		if (kept) {
			const content = await this.content(kept, file).catch(() => undefined);
			if (content && (await this.problem(content, file)) === "") {
				return content;
			}
			await this.cache?.delete(address); // a damaged copy: the server may have a good one
			this.loaded = before;
		}
		// The browser's own cache may hold the damaged content too.
		const response = await this.fetched(file, address, kept ? "reload" : "default");
		const content = await this.content(response, file);
		const problem = await this.problem(content, file);
		if (problem !== "") {
			throw new SiteFileError(`${file.path} ${problem}; copy the site's folder to the server again`);
		}
		await this.keep(address, content, response.headers.get("Content-Type"));
		return content;
	}

	private async fetched(file: SiteFile, address: string, cache: RequestCache): Promise<Response> {
		let response: Response;
		try {
			response = await fetch(address, { cache });
		} catch (error) {
			throw new SiteFileError(
				`${file.path} can't be fetched (${messageOf(error)}); start the server again, or connect to the network`,
			);
		}
		if (!response.ok) {
			throw new SiteFileError(
				`${file.path} is missing: the server answered ${response.status}; copy the site's folder to the server again`,
			);
		}
		return response;
	}

	private async content(response: Response, file: SiteFile): Promise<Uint8Array> {
		const content = new Uint8Array(file.bytes);
		let length = 0;
		const reader = response.body?.getReader();
		for (;;) {
			const part = await reader?.read();
			if (!part || part.done) {
				break;
			}
			if (length + part.value.length > file.bytes) {
				await reader?.cancel();
				throw new SiteFileError(
					`${file.path} is damaged: it has more than ${file.bytes} bytes; copy the site's folder to the server again`,
				);
			}
			content.set(part.value, length);
			length += part.value.length;
			this.loaded += part.value.length;
			this.onProgress(this.loaded);
		}
		return content.subarray(0, length);
	}

	private async problem(content: Uint8Array, file: SiteFile): Promise<string> {
		if (content.length !== file.bytes) {
			return `is damaged: it has ${content.length} of ${file.bytes} bytes`;
		}
		const digest = await sha256(content);
		return digest === file.sha256 ? "" : `is damaged: its SHA-256 is ${digest}, not ${file.sha256}`;
	}

	private async keep(address: string, content: Uint8Array, type: string | null): Promise<void> {
		const headers = { "Content-Type": type ?? "application/octet-stream", "Content-Length": String(content.length) };
		try {
			await this.cache?.put(address, new Response(content as Uint8Array<ArrayBuffer>, { headers }));
		} catch (error) {
			this.notStored = `the browser's storage has no room (${messageOf(error)})`;
		}
	}
}
