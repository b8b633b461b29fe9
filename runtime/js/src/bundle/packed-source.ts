/** Packed bundles: one `.albert` file with the files of a bundle folder. */

import { BundleError } from "../errors";
import type { BundleSource } from "./files";
import { damaged, type Entry, type RandomAccess, readDirectory } from "./zip-directory";

/** A packed bundle whose directory has been read. */
export class PackedSource implements BundleSource {
	readonly exact = true;

	private constructor(
		private readonly file: RandomAccess & { close?(): Promise<void> },
		private readonly entries: ReadonlyMap<string, Entry>,
		readonly location: string,
	) {}

	/**
	 * Open a packed bundle. Throws a BundleError if it is damaged, cut short, or no packed bundle.
	 *
	 * @param location what messages call the file
	 */
	static async open(file: RandomAccess & { close?(): Promise<void> }, location: string): Promise<PackedSource> {
		try {
			return new PackedSource(file, await readDirectory(file, location), location);
		} catch (error) {
			await file.close?.();
			throw error;
		}
	}

	names(): string[] {
		return [...this.entries.keys()];
	}

	async read(name: string): Promise<Uint8Array> {
		const entry = this.entries.get(name);
		if (entry === undefined) throw damaged(this.location, [`${name} is missing`]);
		const bytes = await this.file.read(entry.start, entry.start + entry.size);
		if (bytes.length !== entry.size || crc32(bytes) !== entry.crc32) {
			throw new BundleError(
				`${this.location}/${name} is damaged: its checksum (CRC-32) is wrong. Copy it again from where it was packed, ` +
					"or pack the bundle's folder again: albert-export pack BUNDLE",
			);
		}
		return bytes;
	}

	async close(): Promise<void> {
		await this.file.close?.();
	}
}

/** Bytes that are in memory already. The parts that are read share their memory. */
export function inMemory(bytes: Uint8Array): RandomAccess {
	return { size: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}

/** A file of the browser, of which only what is asked for is read. */
export function ofBlob(blob: Blob): RandomAccess {
	return {
		size: blob.size,
		read: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
	};
}

let table: Uint32Array | undefined;

/** The CRC-32 of `bytes`, as ZIP uses it (the polynomial 0xEDB88320 of ISO 3309, reflected). */
export function crc32(bytes: Uint8Array): number {
	table ??= Uint32Array.from({ length: 256 }, (_, index) => {
		let value = index;
		for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
		return value;
	});
	let crc = 0xffffffff;
	for (let place = 0; place < bytes.length; place++) {
		crc = (crc >>> 8) ^ (table[(crc ^ (bytes[place] as number)) & 0xff] as number);
	}
	return (crc ^ 0xffffffff) >>> 0;
}
