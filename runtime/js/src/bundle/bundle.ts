/** Bundles: a manifest, and the files that it names, read and checked. */

import { BundleError, listed } from "../errors";
import { typeName } from "../repr";
import { failedDownload } from "./failed-download";
import type { BundleFiles, BundleSource } from "./files";
import { MANIFEST_FILE } from "./layout";
import { CONFIG_FILE, isTable, type JsonObject, type Manifest, readManifest } from "./manifest";
import { sha256 } from "./sha256";

/** An opened bundle. */
export interface Bundle {
	/** what messages call the place that it lies in */
	readonly location: string;
	readonly manifest: Manifest;
	/** the content of config.json, the model's configuration */
	readonly config: JsonObject;
	/** the files; those that a server gives are checked when they are read */
	readonly files: BundleFiles;
	/** the path of the graph, if it has one */
	readonly modelPath: string | undefined;
	/** the most tokens in one sequence, special tokens included */
	readonly maxLength: number;
}

/**
 * Open the bundle in `source`.
 *
 * Throws a BundleError if it is incomplete or damaged, or has another format version; the message lists what is wrong. The
 * files of a server are compared with their hashes one by one, when they are fetched; all others are compared at once.
 *
 * @param check compare the hash of every file with the manifest. It is always checked that the files are there.
 */
export async function openBundle(source: BundleSource, check = true): Promise<Bundle> {
	const { location } = source;
	const manifest = await manifestOf(source);
	const files = new BundleReader(source, manifest, check);
	if (!source.unlisted) {
		const problems = await files.problems();
		if (problems.length) {
			throw new BundleError(
				`${listed(`the bundle ${location} is damaged:`, problems)}\nCopy it again from where it was exported.`,
			);
		}
	}
	const config = parseJson(await files.read(CONFIG_FILE), `${location}/${CONFIG_FILE}`);
	if (!isTable(config)) {
		throw new BundleError(`${location}/${CONFIG_FILE} must hold a JSON object, not ${typeName(config)}`);
	}
	return {
		location,
		manifest,
		config,
		files,
		modelPath: source.path?.(manifest.modelFile),
		maxLength: Math.min(manifest.maxLength, manifest.sequenceLength ?? manifest.maxLength),
	};
}

/** The files that the manifest names, compared with their hashes. */
class BundleReader implements BundleFiles {
	/** the files that have been compared */
	private readonly checked = new Set<string>();

	constructor(
		private readonly source: BundleSource,
		private readonly manifest: Manifest,
		private readonly check: boolean,
	) {}

	names(): string[] {
		return Object.keys(this.manifest.files);
	}

	async read(name: string): Promise<Uint8Array> {
		const bytes = await this.source.read(name);
		if (this.check && !this.checked.has(name)) {
			const problem = await this.hashProblem(name, await sha256(bytes), bytes);
			if (problem !== undefined) {
				throw new BundleError(
					`${listed(`the bundle ${this.source.location} is damaged:`, [problem])}\nCopy it again from where it was exported.`,
				);
			}
			this.checked.add(name);
		}
		return bytes;
	}

	/** What is wrong with the files that are there. */
	async problems(): Promise<string[]> {
		const there = new Set(this.source.names());
		const problems: string[] = [];
		if (this.source.exact) {
			const foreign = [...there].filter((name) => name !== MANIFEST_FILE && !Object.hasOwn(this.manifest.files, name));
			problems.push(...foreign.map((name) => `${name} is not named in ${MANIFEST_FILE}`));
		}
		for (const name of Object.keys(this.manifest.files).sort()) {
			if (!there.has(name)) problems.push(`${name} is missing`);
			else if (this.check) {
				const problem = await this.problem(name);
				if (problem === undefined) this.checked.add(name);
				else problems.push(problem);
			}
		}
		return problems;
	}

	private async problem(name: string): Promise<string | undefined> {
		try {
			if (this.source.digest !== undefined) return await this.hashProblem(name, await this.source.digest(name));
			const bytes = await this.source.read(name);
			return await this.hashProblem(name, await sha256(bytes), bytes);
		} catch (error) {
			return `${name} can't be read: ${error instanceof Error ? error.message : String(error)}`;
		}
	}

	private async hashProblem(name: string, digest: string, known?: Uint8Array): Promise<string | undefined> {
		if (digest === this.manifest.files[name]?.toLowerCase()) return undefined;
		const bytes = known ?? (await this.source.read(name));
		const shown = `${this.source.location}/${name}`;
		return failedDownload(shown, bytes) ?? `${name} (${bytes.length} bytes) is not the file that was exported`;
	}
}

async function manifestOf(source: BundleSource): Promise<Manifest> {
	const { location } = source;
	if (!source.names().includes(MANIFEST_FILE)) {
		throw new BundleError(
			`${location} is not a bundle: it has no ${MANIFEST_FILE}; \`albert-export onnx\` and \`albert-export tflite\` make one`,
		);
	}
	const record = parseJson(await source.read(MANIFEST_FILE), `${location}/${MANIFEST_FILE}`);
	try {
		return readManifest(record);
	} catch (error) {
		if (!(error instanceof BundleError)) throw error;
		throw new BundleError(`${location}: ${error.message}`);
	}
}

function parseJson(bytes: Uint8Array, file: string): unknown {
	try {
		return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		throw new BundleError(failedDownload(file, bytes) ?? `${file} is not valid JSON: ${reason}`);
	}
}
