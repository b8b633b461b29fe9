/** Bundles on a web server: a folder whose files are fetched one by one, or a packed file. */

import { BundleError, UsageError } from "../errors";
import { failedDownload } from "./failed-download";
import type { BundleSource, Progress } from "./files";
import { MANIFEST_FILE } from "./layout";

/** How files are fetched. */
export interface FetchOptions {
	onProgress?: ((progress: Progress) => void) | undefined;
	/** cancels the download; what is thrown is `signal.reason` */
	signal?: AbortSignal | undefined;
	/** used in place of the global `fetch` */
	fetch?: typeof fetch | undefined;
}

/** A bundle's folder on a web server. Its names are those of the manifest, which `openBundle` reads first. */
export class UrlSource implements BundleSource {
	readonly unlisted = true;
	/** the address without the "/" at its end */
	readonly location: string;

	/** @param address the address of the folder */
	constructor(
		address: URL,
		private readonly options: FetchOptions,
	) {
		this.location = address.href.replace(/\/+$/, "");
	}

	names(): string[] {
		return [MANIFEST_FILE];
	}

	read(name: string): Promise<Uint8Array> {
		const path = name.split("/").map(encodeURIComponent).join("/");
		return download(`${this.location}/${path}`, name, this.options);
	}
}

/**
 * The bytes at an address, with progress.
 *
 * Throws a BundleError if the server does not give the file, or gives a web page in its place, and a UsageError if there
 * is no server to be reached. If the download is cancelled, what is thrown is the signal's reason.
 *
 * @param address the address of the file
 * @param file what the progress calls it
 */
export async function download(address: string, file: string, options: FetchOptions): Promise<Uint8Array> {
	const { signal } = options;
	signal?.throwIfAborted();
	try {
		const response = await (options.fetch ?? fetch)(address, signal ? { signal } : {});
		if (!response.ok) {
			const status = `${response.status} ${response.statusText}`.trim();
			throw new BundleError(`${address} can't be fetched: the server answered ${status}; check the address`);
		}
		const bytes = await body(response, file, options);
		// Servers of one-page apps answer with their page wherever there is no file.
		const isPage = /^text\/html\b/i.test(response.headers.get("content-type") ?? "");
		if (isPage && !file.endsWith(".html")) {
			throw new BundleError(
				failedDownload(address, bytes) ?? `${address} is a web page, not the file; check the address`,
			);
		}
		return bytes;
	} catch (error) {
		signal?.throwIfAborted();
		if (error instanceof BundleError) throw error;
		const reason = error instanceof Error ? error.message : String(error);
		const hint =
			globalThis.location?.protocol === "file:"
				? "A page that was opened from a file may not fetch others: serve its folder, for example with " +
					"`python -m http.server`."
				: "Check the address, the connection, and, for another origin, that the server allows it (CORS).";
		throw new UsageError(`${address} can't be fetched: ${reason}. ${hint}`);
	}
}

async function body(response: Response, file: string, options: FetchOptions): Promise<Uint8Array> {
	// With a content encoding, the length is that of what is sent, not of the file.
	const length = response.headers.get("content-encoding") ? null : response.headers.get("content-length");
	const total = length === null ? undefined : Number(length);
	const report = (loaded: number): void => options.onProgress?.({ file, loaded, total });
	report(0);
	if (response.body === null) return new Uint8Array(await response.arrayBuffer());
	const reader = response.body.getReader();
	const chunks: Uint8Array[] = [];
	let loaded = 0;
	for (;;) {
		const { done, value } = await reader.read();
		if (done) break;
		chunks.push(value);
		loaded += value.length;
		report(loaded);
	}
	const bytes = new Uint8Array(loaded);
	let place = 0;
	for (const chunk of chunks) {
		bytes.set(chunk, place);
		place += chunk.length;
	}
	return bytes;
}
