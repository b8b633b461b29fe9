/** LiteRtEngine: runs TFLite graphs of a static length with LiteRT.js, in browsers. */

import { failedDownload } from "../bundle/failed-download";
import { BundleError, DependencyError, listed, UnsupportedError, UsageError } from "../errors";
import { INPUT_NAMES, MASKED_POSITIONS } from "../tasks";
import type { Inputs, Outputs } from "../tensors";
import type { Engine, EngineFactory, ModelFile } from "./engine";
import { runRows } from "./static-shapes";
import { checkWebAssembly, isOutOfMemory, outOfMemory } from "./web-assembly";

interface NativeTensor {
	data(): Promise<ArrayLike<number>>;
	delete(): void;
	readonly type: { readonly layout: { readonly dimensions: ArrayLike<number> } };
}
interface NativeDetails {
	readonly name: string;
	readonly dtype: string;
	readonly shape: ArrayLike<number>;
}
interface NativeModel {
	getInputDetails(): readonly NativeDetails[];
	getOutputDetails(): readonly NativeDetails[];
	run(inputs: Record<string, NativeTensor>): Promise<Record<string, NativeTensor>>;
	delete(): void;
}

/** The part of `@litertjs/core` that is used. */
export interface LiteRtModule {
	loadLiteRt(path: string, options?: { jspi?: boolean; threads?: boolean }): Promise<unknown>;
	getGlobalLiteRtPromise(): Promise<unknown> | undefined;
	loadAndCompile(model: Uint8Array, options?: { accelerator?: "wasm" | "webgpu" }): Promise<NativeModel>;
	readonly Tensor: new (data: Int32Array, dims: number[]) => NativeTensor;
}

/** Options of LiteRT.js. */
export interface LiteRtOptions {
	/** the imported package; if it is not given, it is imported when the model is loaded */
	module?: LiteRtModule;
	/** the address of the folder with the files of `@litertjs/core/wasm` (default: "/wasm/") */
	wasmPath?: string;
	/**
	 * use the version for browsers with JSPI (Chrome from 137). The graphs of `albert-export` need it in Chromium
	 * (default: where the browser has it)
	 */
	jspi?: boolean;
	/** (default: "wasm") */
	accelerator?: "wasm" | "webgpu";
}

/** the tensor names of TFLite Task Library -> the names of `tasks.ts` */
const ALIASES: Readonly<Record<string, string>> = {
	ids: "input_ids",
	mask: "attention_mask",
	segment_ids: "token_type_ids",
	probability: "logits",
};
/** the only output of TFLite Task Library with another meaning: the softmax of our logits */
const PROBABILITY = "probability";
/** the smallest normal float32 */
const TINY = 1.1754943508222875e-38;

/** Opens graphs with LiteRT.js. */
export function liteRt(options: LiteRtOptions = {}): EngineFactory {
	return async (model) => {
		checkWebAssembly("LiteRT.js");
		const module = options.module ?? (await imported());
		await started(module, options);
		const bytes = await model.read();
		let native: NativeModel;
		try {
			native = await module.loadAndCompile(bytes, { accelerator: options.accelerator ?? "wasm" });
		} catch (error) {
			const reason = reasonOf(error);
			if (isOutOfMemory(reason)) throw outOfMemory("LiteRT.js", model.name, reason);
			throw new BundleError(
				failedDownload(model.name, bytes) ?? `LiteRT.js can't load ${model.name}: ${reason}; export the model again`,
			);
		}
		return new LiteRtEngine(module, model, native);
	};
}

/** A compiled graph. A graph for one sequence computes larger batches and several choices one sequence at a time. */
class LiteRtEngine implements Engine {
	readonly name = "litert";
	readonly version = "";
	readonly inputNames: readonly string[];
	readonly outputNames: readonly string[];
	private readonly inputs: ReadonlyMap<string, NativeDetails>;
	/** the run before the next one: the graph has one set of buffers */
	private last: Promise<unknown> = Promise.resolve();

	constructor(
		private readonly module: LiteRtModule,
		private readonly model: ModelFile,
		private readonly native: NativeModel,
	) {
		this.inputs = new Map(native.getInputDetails().map((one) => [ALIASES[one.name] ?? one.name, one]));
		this.inputNames = [
			...INPUT_NAMES.filter((name) => this.inputs.has(name)),
			...[...this.inputs.keys()].filter((name) => !(INPUT_NAMES as readonly string[]).includes(name)),
		];
		this.outputNames = native.getOutputDetails().map((one) => ALIASES[one.name] ?? one.name);
		this.checkStatic();
	}

	async run(inputs: Inputs): Promise<Outputs> {
		const missing = this.inputNames.filter((name) => inputs[name] === undefined);
		if (missing.length) throw new UsageError(listed(`${this.model.name} needs inputs that were not given:`, missing));
		const problems = [...this.inputs].flatMap(([name, { shape }]) => {
			const dims = inputs[name]?.dims ?? [];
			const fits = dims.length === shape.length && dims.at(-1) === shape[shape.length - 1];
			return fits ? [] : [`${name} is [${dims.join(", ")}], the graph takes [${Array.from(shape).join(", ")}]`];
		});
		if (problems.length) {
			throw new UsageError(listed(`${this.model.name} does not take inputs of these shapes:`, problems));
		}
		const running = this.last
			.catch(() => undefined)
			.then(() => runRows(inputs, this.inputNames, (row) => this.runRow(row)));
		this.last = running;
		return running;
	}

	async close(): Promise<void> {
		await this.last.catch(() => undefined);
		this.native.delete();
	}

	/** Throws an UnsupportedError for a graph whose length is dynamic, because LiteRT.js can't resize it. */
	private checkStatic(): void {
		const dynamic = [...this.inputs].filter(([, { shape }]) => {
			const axes = Array.from(shape);
			return axes.some((axis) => axis < 1) || axes.at(-1) === 1;
		});
		if (!dynamic.length) return;
		this.native.delete();
		const head = this.inputs.has(MASKED_POSITIONS) ? ", and without --head masked" : "";
		throw new UnsupportedError(
			`${this.model.name} takes texts of any length, and LiteRT.js runs only graphs of a static one: export the model ` +
				`again with a length: albert-export tflite --sequence-length 128${head}`,
		);
	}

	private async runRow(row: Inputs): Promise<Outputs> {
		const feed: Record<string, NativeTensor> = {};
		let computed: Record<string, NativeTensor> = {};
		try {
			for (const [name, { name: ownName, shape }] of this.inputs) {
				feed[ownName] = new this.module.Tensor((row[name] as { data: Int32Array }).data, Array.from(shape));
			}
			computed = await this.native.run(feed);
			const outputs: Outputs = {};
			for (const [name, tensor] of Object.entries(computed)) {
				let data = Float32Array.from(await tensor.data());
				// The softmax of the logarithms is these probabilities again; the bound keeps the logarithm of 0 finite.
				if (name === PROBABILITY) data = data.map((one) => Math.log(Math.max(one, TINY)));
				outputs[ALIASES[name] ?? name] = { dims: Array.from(tensor.type.layout.dimensions), data };
			}
			return outputs;
		} catch (error) {
			const reason = reasonOf(error);
			if (isOutOfMemory(reason)) throw outOfMemory("LiteRT.js", this.model.name, reason);
			throw new BundleError(`LiteRT.js can't run ${this.model.name}: ${reason}`);
		} finally {
			for (const tensor of [...Object.values(feed), ...Object.values(computed)]) tensor.delete();
		}
	}
}

/** Load the WebAssembly of LiteRT.js, once for the whole page. */
async function started(module: LiteRtModule, options: LiteRtOptions): Promise<void> {
	const known = module.getGlobalLiteRtPromise();
	const path = options.wasmPath ?? "/wasm/";
	try {
		await (known ?? module.loadLiteRt(path, { jspi: options.jspi ?? "Suspending" in WebAssembly }));
	} catch (error) {
		throw new DependencyError(
			`LiteRT.js can't load its WebAssembly from ${path}: ${reasonOf(error)}. Serve the folder ` +
				"node_modules/@litertjs/core/wasm and name its address: engine: liteRt({ wasmPath: 'ADDRESS/' })",
		);
	}
}

async function imported(): Promise<LiteRtModule> {
	try {
		return (await import("@litertjs/core")) as unknown as LiteRtModule;
	} catch (error) {
		throw new DependencyError(`@litertjs/core (${reasonOf(error)}): npm install @litertjs/core`);
	}
}

function reasonOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
