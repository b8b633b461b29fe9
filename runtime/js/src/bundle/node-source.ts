/** Bundles on the disk of a computer, read by Node. */

import { BundleError, UsageError } from "../errors";
import type { BundleSource } from "./files";
import { MANIFEST_FILE, PACKED_SUFFIX } from "./layout";
import { isTable } from "./manifest";
import { PackedSource } from "./packed-source";

/** files that show that a folder is a checkpoint and not a bundle */
const CHECKPOINT_FILES = [
	"model.safetensors",
	"model.safetensors.index.json",
	"pytorch_model.bin",
	"pytorch_model.bin.index.json",
	"albert_config.json",
	"tf_model.h5",
];

type FileSystem = typeof import("node:fs/promises");
type FileHandle = Awaited<ReturnType<FileSystem["open"]>>;
type Crypto = typeof import("node:crypto");
type Path = typeof import("node:path");

interface BuiltIn {
	fs: FileSystem;
	crypto: Crypto;
	path: Path;
}

/**
 * Node's own modules, or undefined in a browser. They are asked for at run time, so that bundlers for browsers see no
 * import that they can't resolve.
 */
export function builtIn(): BuiltIn | undefined {
	const get = (globalThis as { process?: NodeJS.Process }).process?.getBuiltinModule;
	if (get === undefined) return undefined;
	return { fs: get("node:fs/promises"), crypto: get("node:crypto"), path: get("node:path") };
}

/**
 * The bundle in a folder, or in a packed file.
 *
 * Throws a UsageError if there is no such folder, and a BundleError if it is no bundle.
 */
export async function openPath(given: string, { fs, crypto, path }: BuiltIn): Promise<BundleSource> {
	const location = path.normalize(given).replace(/(?<=.)\/$/, "");
	let isFolder: boolean;
	try {
		isFolder = (await fs.stat(location)).isDirectory();
	} catch (error) {
		if (!isMissing(error)) throw new UsageError(`can't look into ${location}: ${reasonOf(error)}`);
		throw new UsageError(
			`there is no folder ${location}; give the folder that \`albert-export onnx\` or \`albert-export tflite\` wrote`,
		);
	}
	if (!isFolder) {
		if (location.toLowerCase().endsWith(PACKED_SUFFIX)) return openPacked(location, fs);
		const parent = path.dirname(location);
		if (await exists(path.join(parent, MANIFEST_FILE), fs)) {
			throw new UsageError(`${location} is a file of a bundle; give the whole folder: ${parent}`);
		}
		throw new UsageError(
			`${location} is a file; a bundle is the folder that \`albert-export onnx\` or \`albert-export tflite\` wrote`,
		);
	}
	const names = await fs.readdir(location, { recursive: true });
	if (!names.includes(MANIFEST_FILE)) throw new BundleError(notABundle(location, names));
	const at = (name: string): string => path.join(location, name);
	return {
		location,
		names: () => names.map((name) => name.replaceAll("\\", "/")),
		path: (name) => path.resolve(at(name)),
		read: async (name) => {
			try {
				const bytes = await fs.readFile(at(name));
				return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
			} catch (error) {
				throw new BundleError(`${at(name)} can't be read: ${reasonOf(error)}`);
			}
		},
		digest: async (name) => {
			const hash = crypto.createHash("sha256");
			const file = await fs.open(at(name));
			// The file is read in pieces, so that a model need not fit into memory.
			for await (const chunk of file.createReadStream()) hash.update(chunk);
			return hash.digest("hex");
		},
	};
}

async function openPacked(location: string, fs: FileSystem): Promise<BundleSource> {
	const file = await fs.open(location).catch((error: unknown) => {
		throw new UsageError(`can't look into ${location}: ${reasonOf(error)}`);
	});
	try {
		return await packedSource(file, location);
	} catch (error) {
		await file.close();
		throw error;
	}
}

async function packedSource(file: FileHandle, location: string): Promise<BundleSource> {
	const { size } = await file.stat();
	const read = async (start: number, end: number): Promise<Uint8Array> => {
		// What the directory declares may be more than there is.
		const bytes = new Uint8Array(Math.max(Math.min(end, size) - start, 0));
		const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
		return bytes.subarray(0, bytesRead);
	};
	return PackedSource.open({ size, read, close: () => file.close() }, location);
}

function notABundle(folder: string, names: readonly string[]): string {
	if (names.some((name) => CHECKPOINT_FILES.includes(name) || /\.ckpt[^/]*\.index$/.test(name))) {
		return (
			`${folder} is a checkpoint, not a bundle; export it first: ` +
			`albert-export onnx --model ${folder} --task TASK --output BUNDLE (or albert-export tflite)`
		);
	}
	const made = "`albert-export onnx` and `albert-export tflite` make one";
	if (!names.length) return `${folder} is an empty folder, not a bundle; ${made}`;
	return `${folder} is not a bundle: it has no ${MANIFEST_FILE}; ${made}`;
}

async function exists(file: string, fs: FileSystem): Promise<boolean> {
	return fs.access(file).then(
		() => true,
		() => false,
	);
}

function isMissing(error: unknown): boolean {
	return isTable(error) && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function reasonOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
