/** OnnxEngine: runs ONNX graphs with onnxruntime-node or onnxruntime-web, on the CPU. */

import { failedDownload } from "../bundle/failed-download";
import { BundleError, DependencyError, listed, OperatorError, UsageError } from "../errors";
import { type IdTensor, type Inputs, type Outputs, product } from "../tensors";
import type { Engine, EngineFactory, EngineSettings, ModelFile } from "./engine";
import { runRows } from "./static-shapes";
import { checkWebAssembly, isOutOfMemory, outOfMemory, usableThreads } from "./web-assembly";

/** The part of ONNX Runtime's JavaScript packages that is used. They share it, and it needs no types of theirs. */
export interface OrtModule {
	// biome-ignore lint/suspicious/noExplicitAny: the class of a package that need not be installed
	readonly Tensor: any;
	// biome-ignore lint/suspicious/noExplicitAny: the same
	readonly InferenceSession: { create(model: any, options?: any): Promise<any> };
	// biome-ignore lint/suspicious/noExplicitAny: the same
	readonly env: any;
}

/** Options of both packages. */
export interface OnnxOptions {
	/** the imported package; if it is not given, it is imported when the model is loaded */
	module?: OrtModule;
	/** options of `InferenceSession.create`, in addition to ours */
	sessionOptions?: Readonly<Record<string, unknown>>;
}

/** Options of onnxruntime-web. */
export interface OnnxWebOptions extends OnnxOptions {
	/** where its files are served: the address of their folder, or of each of them */
	wasmPaths?: string | { mjs?: string | URL; wasm?: string | URL };
	/** the content of its .wasm file, if that is at hand */
	wasmBinary?: ArrayBuffer | Uint8Array;
}

interface NativeTensor {
	readonly dims: readonly number[];
	readonly data: ArrayLike<number | bigint>;
}
interface NativeInput {
	readonly name: string;
	readonly type?: string;
	readonly shape?: readonly (number | string)[];
}
interface NativeSession {
	readonly inputNames: readonly string[];
	readonly outputNames: readonly string[];
	readonly inputMetadata?: readonly NativeInput[];
	run(feed: Record<string, unknown>): Promise<Record<string, NativeTensor>>;
	release(): Promise<void>;
}

/** parts of ONNX Runtime's messages about an operator, or a version of one, that it does not have */
const LACKS_OPERATOR =
	/is not a registered function\/op|No Op registered|is under development|Unsupported model IR version|Could not find an implementation/;

/** Opens graphs with onnxruntime-node. */
export function onnxNode(options: OnnxOptions = {}): EngineFactory {
	return async (model, settings) => {
		const module = options.module ?? (await imported("onnxruntime-node"));
		const threads = settings.threads === undefined ? {} : { intraOpNumThreads: settings.threads };
		// Worker threads that spin halve the speed on cores that other processes use too.
		const extra = { session: { intra_op: { allow_spinning: "0" } } };
		const native = { ...threads, interOpNumThreads: 1, logSeverityLevel: 4, extra, ...options.sessionOptions };
		return OnnxEngine.load("onnxruntime-node", module, model, model.path ?? (await model.read()), native);
	};
}

/** Opens graphs with onnxruntime-web, which is made of WebAssembly. */
export function onnxWeb(options: OnnxWebOptions = {}): EngineFactory {
	return async (model: ModelFile, settings: EngineSettings) => {
		checkWebAssembly("onnxruntime-web");
		const module = options.module ?? (await imported("onnxruntime-web"));
		const { wasm } = module.env;
		wasm.numThreads = usableThreads(settings.threads);
		if (options.wasmPaths !== undefined) wasm.wasmPaths = options.wasmPaths;
		if (options.wasmBinary !== undefined) wasm.wasmBinary = options.wasmBinary;
		const native = { executionProviders: ["wasm"], logSeverityLevel: 4, ...options.sessionOptions };
		return OnnxEngine.load("onnxruntime-web", module, model, await model.read(), native);
	};
}

/** An ONNX Runtime session. Inputs and outputs are bound by name, and runs wait for each other. */
class OnnxEngine implements Engine {
	readonly inputNames: readonly string[];
	readonly outputNames: readonly string[];
	/** the run before the next one: onnxruntime-web refuses two at once */
	private last: Promise<unknown> = Promise.resolve();

	private constructor(
		readonly name: string,
		readonly version: string,
		private readonly module: OrtModule,
		private readonly model: ModelFile,
		private readonly native: NativeSession,
	) {
		this.inputNames = native.inputNames;
		this.outputNames = native.outputNames;
	}

	static async load(
		name: string,
		module: OrtModule,
		model: ModelFile,
		given: string | Uint8Array,
		options: Readonly<Record<string, unknown>>,
	): Promise<OnnxEngine> {
		const version = String(module.env?.versions?.[name === "onnxruntime-node" ? "node" : "web"] ?? "");
		try {
			const native: NativeSession = await module.InferenceSession.create(given, options);
			return new OnnxEngine(name, version, module, model, native);
		} catch (error) {
			const reason = reasonOf(error);
			const ours = `${name} ${version}`.trim();
			if (isOutOfMemory(reason)) throw outOfMemory(ours, model.name, reason);
			if (LACKS_OPERATOR.test(reason)) {
				throw new OperatorError(
					`${ours} lacks an operator of ${model.name}: ${reason}\n` +
						`Upgrade it (npm install ${name}@latest), or export with a lower --opset.`,
				);
			}
			if (/no available backend|initWasm|wasm.*(fetch|load|instantiate)|Cannot find module/i.test(reason)) {
				throw new DependencyError(
					`${ours} can't load its own files: ${reason}. Serve the files of onnxruntime-web/dist and name their folder: ` +
						"engine: onnxWeb({ wasmPaths: 'ADDRESS/' })",
				);
			}
			const bytes = await model.read();
			throw new BundleError(failedDownload(model.name, bytes) ?? `${ours} can't load ${model.name}: ${reason}`);
		}
	}

	async run(inputs: Inputs): Promise<Outputs> {
		this.check(inputs);
		return this.isForOneSequence(inputs)
			? runRows(inputs, this.inputNames, (row) => this.compute(row))
			: this.compute(inputs);
	}

	private async compute(inputs: Inputs): Promise<Outputs> {
		const feed = this.feed(inputs);
		const running = this.last.catch(() => undefined).then(() => this.native.run(feed));
		this.last = running;
		let computed: Record<string, NativeTensor>;
		try {
			computed = await running;
		} catch (error) {
			const reason = reasonOf(error);
			const ours = `${this.name} ${this.version}`.trim();
			if (isOutOfMemory(reason)) throw outOfMemory(ours, this.model.name, reason);
			const shapes = this.inputNames.map((name) => `${name} [${inputs[name]?.dims.join(", ")}]`).join(", ");
			const message = `${ours} can't run ${this.model.name} on ${shapes}: ${reason}`;
			throw /INVALID_ARGUMENT|Got invalid dimensions/i.test(reason)
				? new UsageError(message)
				: new BundleError(message);
		}
		return Object.fromEntries(
			Object.entries(computed).map(([name, tensor]) => [name, { dims: tensor.dims, data: float32(tensor.data) }]),
		);
	}

	async close(): Promise<void> {
		await this.last.catch(() => undefined);
		await this.native.release();
	}

	/** Throws a UsageError if an input is missing, or has a shape that the graph does not take. */
	private check(inputs: Inputs): void {
		const missing = this.inputNames.filter((name) => inputs[name] === undefined);
		if (missing.length) {
			throw new UsageError(listed(`${this.model.name} needs inputs that were not given:`, missing));
		}
		const problems = this.shapeProblems(inputs);
		if (problems.length) {
			throw new UsageError(listed(`${this.model.name} does not take inputs of these shapes:`, problems));
		}
	}

	/** Whether the graph takes one sequence, and there are several. */
	private isForOneSequence(inputs: Inputs): boolean {
		const [first] = this.native.inputMetadata ?? [];
		const leading = first?.shape?.slice(0, -1) ?? [];
		const given = inputs[first?.name ?? ""]?.dims ?? [];
		return leading.length > 0 && leading.every((axis) => axis === 1) && given.slice(0, -1).some((size) => size > 1);
	}

	private feed(inputs: Inputs): Record<string, unknown> {
		const types = new Map(this.native.inputMetadata?.map((one) => [one.name, one.type]));
		return Object.fromEntries(
			this.inputNames.map((name) => {
				const { dims, data } = inputs[name] as IdTensor;
				if (types.get(name) === "int32") return [name, new this.module.Tensor("int32", data, dims)];
				return [name, new this.module.Tensor("int64", BigInt64Array.from(data, BigInt), dims)];
			}),
		);
	}

	/** What is wrong with the shapes. ONNX Runtime itself checks only the number of axes, and computes anyway. */
	private shapeProblems(inputs: Inputs): string[] {
		const sizes = new Map<string | number, number>();
		const problems: string[] = [];
		for (const { name, shape } of this.native.inputMetadata ?? []) {
			const { dims } = inputs[name] as IdTensor;
			if (shape === undefined) continue;
			const fits = shape.map((axis, place) => {
				const size = dims[place];
				const inParts = axis === 1 && place < shape.length - 1;
				if (size === undefined || (typeof axis === "number" && !inParts)) return axis === size || (axis as number) < 0;
				// An axis with a name has the same size in every input, and so has one that is computed in parts.
				const key = inParts ? place : axis;
				if (!sizes.has(key)) sizes.set(key, size);
				return sizes.get(key) === size;
			});
			if (
				shape.length !== dims.length ||
				!fits.every(Boolean) ||
				product(dims) !== (inputs[name] as IdTensor).data.length
			) {
				problems.push(`${name} is [${dims.join(", ")}], the graph declares [${shape.join(", ")}]`);
			}
		}
		return problems;
	}
}

/**
 * A package that need not be installed. Bundlers for browsers resolve only onnxruntime-web, whose name is written out.
 *
 * Throws a DependencyError with the npm line if it is not there.
 */
async function imported(name: "onnxruntime-node" | "onnxruntime-web"): Promise<OrtModule> {
	try {
		const found =
			name === "onnxruntime-web"
				? await import("onnxruntime-web")
				: await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
		return (found.default ?? found) as OrtModule;
	} catch (error) {
		throw new DependencyError(`${name} (${reasonOf(error)}): npm install ${name}`);
	}
}

function float32(data: ArrayLike<number | bigint>): Float32Array {
	return data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>, Number);
}

/** The first line of a message, without the error code that ONNX Runtime writes before it. */
function reasonOf(error: unknown): string {
	const text = error instanceof Error ? error.message : String(error);
	return (text.trim().split("\n", 1)[0] ?? "").replace(
		/^\[ONNXRuntimeError\] : \d+ : \w+ : (Load model from .* failed:)?/,
		"",
	);
}
