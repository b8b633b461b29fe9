/** Engines run graphs: named tensors in, named tensors out. */

import { DependencyError, listed, UnsupportedError, UsageError } from "../errors";
import { repr } from "../repr";
import type { Inputs, Outputs } from "../tensors";
import { liteRt } from "./litert-engine";
import { onnxNode, onnxWeb } from "./onnx-engine";

/** A loaded graph. */
export interface Engine {
	/** the name of the engine, for messages */
	readonly name: string;
	/** the version of the package that computes */
	readonly version: string;
	readonly inputNames: readonly string[];
	readonly outputNames: readonly string[];
	/**
	 * Compute every output. `inputs` may hold tensors that the graph does not declare; they are ignored.
	 *
	 * Throws a UsageError if an input is missing, or has a shape that the graph does not take.
	 */
	run(inputs: Inputs): Promise<Outputs>;
	/** Free the memory of the graph. */
	close?(): Promise<void>;
}

/** The file of a graph. */
export interface ModelFile {
	/** its name in the bundle */
	readonly name: string;
	/** its path, if Node can open it */
	readonly path?: string | undefined;
	read(): Promise<Uint8Array>;
}

/** What an engine is opened with. */
export interface EngineSettings {
	/** the number of threads that compute one run; undefined for what the engine chooses */
	threads?: number | undefined;
}

/** Opens an engine; `onnxWeb()`, `onnxNode()` and `liteRt()` make one. */
export type EngineFactory = (model: ModelFile, settings: EngineSettings) => Promise<Engine>;

/** engine name -> the suffix of its model files, its npm package, and what opens it */
const ENGINES = {
	"onnxruntime-node": { suffix: ".onnx", pkg: "onnxruntime-node", factory: onnxNode },
	"onnxruntime-web": { suffix: ".onnx", pkg: "onnxruntime-web", factory: onnxWeb },
	litert: { suffix: ".tflite", pkg: "@litertjs/core", factory: liteRt },
} as const;

/** The name of an engine. */
export type EngineName = keyof typeof ENGINES;

/**
 * Load `model` into an engine.
 *
 * Throws a UsageError if there is no such engine or the number of threads is below 1, an UnsupportedError if no engine
 * runs such a file, a DependencyError if the engine's package is not installed, a BundleError if the file is not a graph
 * that the engine can load, and an OperatorError if the engine lacks an operator.
 *
 * @param engine the engine; undefined for the first one that runs such a file and is installed
 */
export async function openEngine(
	model: ModelFile,
	engine: EngineName | EngineFactory | undefined,
	settings: EngineSettings,
): Promise<Engine> {
	const { threads } = settings;
	if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
		throw new UsageError(`threads must be a whole number, 1 or more, not ${repr(threads)}`);
	}
	if (typeof engine === "function") return engine(model, settings);
	const absent: string[] = [];
	for (const name of namesFor(model, engine)) {
		try {
			return await ENGINES[name].factory()(model, settings);
		} catch (error) {
			if (!(error instanceof DependencyError)) throw error;
			absent.push(error.message);
		}
	}
	const which = absent.length > 1 ? "one of " : "";
	throw new DependencyError(listed(`${model.name} needs ${which}what can't be imported:`, absent));
}

/** The names of the engines to try, best first. */
function namesFor(model: ModelFile, name: string | undefined): EngineName[] {
	const suffix = /\.[^./]*$/.exec(model.name)?.[0] ?? "";
	const all = Object.keys(ENGINES) as EngineName[];
	const able = all.filter((one) => ENGINES[one].suffix === suffix);
	if (name === undefined) {
		if (!able.length) {
			const suffixes = [...new Set(all.map((one) => ENGINES[one].suffix))].join(", ");
			throw new UnsupportedError(`no engine runs a file like ${model.name}; supported: ${suffixes}`);
		}
		const inNode = typeof (globalThis as { process?: NodeJS.Process }).process?.versions?.node === "string";
		return able.filter((one) => inNode || one !== "onnxruntime-node");
	}
	if (!Object.hasOwn(ENGINES, name)) {
		throw new UsageError(`there is no engine ${repr(name)}; the engines are: ${all.join(", ")}`);
	}
	const chosen = name as EngineName;
	// If no engine has this suffix, the suffix does not tell what the file is, and the engine that was named may try.
	if (able.length && !able.includes(chosen)) {
		throw new UnsupportedError(
			`the engine ${repr(name)} runs ${ENGINES[chosen].suffix} files and can't run ${model.name}; ` +
				`${repr(able[0])} can: leave the engine out, or give engine=${repr(able[0])}`,
		);
	}
	return [chosen];
}
