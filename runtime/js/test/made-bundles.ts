/** Bundles that tests make: files by name, with a manifest that fits them, and the same packed. */

import { crc32 } from "../src/bundle/packed-source";
import { sha256WithoutCrypto } from "../src/bundle/sha256";

const encoder = new TextEncoder();

/** The fields of a manifest for token classification, without `files`. */
export const FIELDS: Readonly<Record<string, unknown>> = {
	format_version: 1,
	task: "text-classification",
	model_file: "model.onnx",
	max_length: 16,
	labels: ["no", "yes"],
	precision: "fp32",
	target: "",
	mask_policy: "",
	opset: 18,
	sequence_length: null,
	versions: {},
	quantized: {},
	parity: {},
	self_test: [],
};

/** The files of a bundle whose manifest has `changes`; the hashes are right. */
export function madeBundle(changes: Readonly<Record<string, unknown>> = {}): Map<string, Uint8Array> {
	const files = new Map<string, Uint8Array>([
		["config.json", encoder.encode('{"vocab_size": 8}')],
		["model.onnx", Uint8Array.of(8, 7, 6)],
		["spiece.model", Uint8Array.of(1, 2, 3)],
	]);
	const hashes = Object.fromEntries([...files].map(([name, bytes]) => [name, sha256WithoutCrypto(bytes)]));
	const manifest = { ...FIELDS, files: hashes, ...changes };
	return new Map([["manifest.json", encoder.encode(JSON.stringify(manifest))], ...files]);
}

/** What may be wrong with an entry of a packed file. */
export interface EntryChanges {
	method?: number;
	flags?: number;
	/** the size that the headers declare */
	size?: number;
	crc?: number;
	/** the data begin at no multiple of 64 */
	unaligned?: boolean;
}

/** The files as `albert-export pack` packs them; `changes` are for the entry called `changed`. */
export function packed(
	files: Iterable<readonly [string, Uint8Array]>,
	changed = "",
	changes: EntryChanges = {},
	comment = "",
): Uint8Array {
	const data: Uint8Array[] = [];
	const directory: Uint8Array[] = [];
	let place = 0;
	let count = 0;
	const add = (list: Uint8Array[], bytes: Uint8Array): number => list.push(bytes) && bytes.length;
	for (const [name, bytes] of files) {
		const own = name === changed ? changes : {};
		const encoded = encoder.encode(name);
		const size = own.size ?? bytes.length;
		const fields = little([10, 2], [own.flags ?? 0x800, 2], [own.method ?? 0, 2], [0, 2], [33, 2]);
		const sizes = little([own.crc ?? crc32(bytes), 4], [bytes.length, 4], [size, 4]);
		const extra = own.unaligned ? 0 : (64 - ((place + 30 + encoded.length) % 64)) % 64;
		directory.push(little([0x02014b50, 4], [20, 2]), fields, sizes, little([encoded.length, 2], [0, 2], [0, 2]));
		directory.push(little([0, 2], [0, 2], [0, 4], [place, 4]), encoded);
		place += add(data, little([0x04034b50, 4]));
		place += add(data, fields) + add(data, sizes);
		place += add(data, little([encoded.length, 2], [extra, 2])) + add(data, encoded);
		place += add(data, new Uint8Array(extra)) + add(data, bytes);
		count++;
	}
	const length = directory.reduce((sum, one) => sum + one.length, 0);
	const note = encoder.encode(comment);
	const end = little(
		[0x06054b50, 4],
		[0, 2],
		[0, 2],
		[count, 2],
		[count, 2],
		[length, 4],
		[place, 4],
		[note.length, 2],
	);
	return joined([...data, ...directory, end, note]);
}

function little(...fields: readonly (readonly [number, number])[]): Uint8Array {
	return joined(
		fields.map(([value, size]) =>
			Uint8Array.from({ length: size }, (_, byte) => Math.floor(value / 2 ** (8 * byte)) % 256),
		),
	);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
	return Uint8Array.from(parts.flatMap((part) => [...part]));
}
