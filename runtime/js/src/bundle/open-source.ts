/** Finds out what kind of place a bundle was said to lie in. */

import { UsageError } from "../errors";
import { shortRepr, typeName } from "../repr";
import { type BundleFiles, type BundleSource, GivenSource, MemorySource } from "./files";
import { PACKED_SUFFIX } from "./layout";
import { builtIn, openPath } from "./node-source";
import { inMemory, ofBlob, PackedSource } from "./packed-source";
import { download, type FetchOptions, UrlSource } from "./url-source";

/**
 * Where a bundle lies: the path (in Node) or the address of a folder or of a packed `.albert` file; a packed file itself;
 * or its files by name.
 */
export type Source =
	| string
	| URL
	| Blob
	| Uint8Array
	| ArrayBuffer
	| ReadonlyMap<string, Uint8Array>
	| Readonly<Record<string, Uint8Array>>
	| BundleFiles;

/**
 * The place that `source` names.
 *
 * Throws a UsageError if there is none, and a BundleError if a packed bundle is damaged.
 */
export async function openSource(source: Source, options: FetchOptions): Promise<BundleSource> {
	if (typeof source === "string") return openString(source, options);
	if (source instanceof URL) return openUrl(source, options);
	if (source instanceof Uint8Array) return PackedSource.open(inMemory(source), "the packed bundle");
	if (source instanceof ArrayBuffer) return PackedSource.open(inMemory(new Uint8Array(source)), "the packed bundle");
	if (typeof Blob !== "undefined" && source instanceof Blob) {
		const name = (source as { name?: unknown }).name;
		return PackedSource.open(ofBlob(source), typeof name === "string" ? name : "the packed bundle");
	}
	if (source instanceof Map) return new MemorySource(source, "the bundle");
	if (isFiles(source)) return new GivenSource(source);
	if (typeof source === "object" && source !== null) {
		const files = Object.entries(source as Record<string, unknown>);
		const foreign = files.filter(([, bytes]) => !(bytes instanceof Uint8Array));
		if (files.length && !foreign.length)
			return new MemorySource(new Map(files as [string, Uint8Array][]), "the bundle");
	}
	throw new UsageError(
		"a bundle is given as the path or the address of its folder or packed file, as a packed file (Blob, Uint8Array), or " +
			`as its files by name, not as ${typeName(source)} ${shortRepr(source, 60)}`,
	);
}

async function openString(source: string, options: FetchOptions): Promise<BundleSource> {
	const node = builtIn();
	if (/^(https?|blob|data):/i.test(source)) return openUrl(new URL(source), options);
	if (node !== undefined) return openPath(/^file:/i.test(source) ? fileOf(new URL(source)) : source, node);
	const base = (globalThis.document as { baseURI?: string } | undefined)?.baseURI ?? globalThis.location?.href;
	return openUrl(new URL(source, base), options);
}

async function openUrl(address: URL, options: FetchOptions): Promise<BundleSource> {
	const node = builtIn();
	if (address.protocol === "file:" && node !== undefined) return openPath(fileOf(address), node);
	if (!address.pathname.toLowerCase().endsWith(PACKED_SUFFIX) && /^https?:|^file:/.test(address.protocol)) {
		return new UrlSource(address, options);
	}
	const name = address.pathname.slice(address.pathname.lastIndexOf("/") + 1);
	return PackedSource.open(inMemory(await download(address.href, name, options)), address.href);
}

function fileOf(address: URL): string {
	const path = decodeURIComponent(address.pathname);
	return /^\/[a-z]:/i.test(path) ? path.slice(1) : path; // a drive of Windows
}

function isFiles(value: unknown): value is BundleFiles {
	const files = value as Partial<BundleFiles> | null;
	return typeof files?.names === "function" && typeof files.read === "function";
}
