/** The page's worker: fetches the site's files, opens the bundle, and answers one request at a time. */

import * as ort from "onnxruntime-web/wasm";
import {
	type AnySession,
	type BundleFiles,
	type Embedding,
	FeatureExtractionSession,
	load,
	onnxWeb,
} from "../src/index";
import { messageOf } from "./messages";
import { addressOf, type Call, type Facts, type Reply, type Request, type Site, type SiteFile } from "./site";
import { StoredFiles } from "./stored-files";

/** alternatives to show for an answer or a mask */
const TOP_K: Record<string, number> = { "question-answering": 3, "fill-mask": 6, pretraining: 5 };
/** more threads than this make answers of such small models no faster */
const MOST_THREADS = 4;

let session: AnySession | undefined;
/** what the package warns of, such as texts that were cut off: the page shows it */
const notes: string[] = [];
console.warn = (...said: unknown[]) => {
	notes.push(said.join(" ").replace(/^albert-runtime: /, ""));
};
const running = new Map<number, AbortController>();

self.addEventListener("message", (event: MessageEvent<Request>) => {
	const request = event.data;
	if (request.type === "load") {
		void open(request.site, request.base);
	} else if (request.type === "ask") {
		void answer(request.id, request.call);
	} else {
		running.get(request.id)?.abort();
	}
});

// A trap inside of WebAssembly may reject a promise that nobody waits for.
self.addEventListener("unhandledrejection", (event) => {
	reply({ type: "failed", message: messageOf(event.reason) });
});

async function open(site: Site, base: string): Promise<void> {
	const began = performance.now();
	try {
		const needed = [...site.bundleFiles, site.wasm];
		const total = needed.reduce((sum, file) => sum + file.bytes, 0);
		const stored = new StoredFiles(site, base, (loaded) => reply({ type: "progress", loaded, total }));
		await stored.open();
		const contents = new Map<string, Uint8Array>();
		for (const file of needed) {
			contents.set(file.path, await stored.read(file));
		}
		reply({ type: "starting" });
		const wasmBinary = contents.get(site.wasm.path) as Uint8Array<ArrayBuffer>;
		const engine = onnxWeb({ module: ort, wasmPaths: { mjs: addressOf(site.glue, base) }, wasmBinary });
		const threads = self.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1) : 1;
		session = await load(filesOf(site, contents), { engine, threads });
		reply({ type: "ready", facts: factsOf(session, threads, performance.now() - began, stored.notStored) });
	} catch (error) {
		reply({ type: "failed", message: messageOf(error) });
	}
}

/** The bundle's files, which have been fetched already. */
function filesOf(site: Site, contents: Map<string, Uint8Array>): BundleFiles {
	const nameOf = (file: SiteFile) => decodeURIComponent(file.path.slice(site.bundle.length));
	const byName = new Map(site.bundleFiles.map((file) => [nameOf(file), contents.get(file.path)]));
	return {
		names: () => [...byName.keys()],
		read: async (name: string) => {
			const content = byName.get(name);
			if (!content) {
				throw new Error(`${site.bundle}${name} is not in the site`);
			}
			return content;
		},
	};
}

function factsOf(opened: AnySession, threads: number, milliseconds: number, notStored: string): Facts {
	return {
		labels: [...opened.manifest.labels],
		maskToken: opened.tokenizer.specialTokens.mask,
		fillsMasks: opened.manifest.head !== "sentence-order",
		threads,
		milliseconds,
		stored: notStored || true,
	};
}

async function answer(id: number, call: Call): Promise<void> {
	if (!session) {
		return;
	}
	const controller = new AbortController();
	running.set(id, controller);
	const began = performance.now();
	try {
		notes.length = 0; // those of the self-test, or of a request that was cancelled
		const given = await computed(session, call, controller.signal);
		reply({ type: "answer", id, answer: given, milliseconds: performance.now() - began, notes });
	} catch (error) {
		reply(controller.signal.aborted ? { type: "cancelled", id } : { type: "refused", id, message: messageOf(error) });
	} finally {
		running.delete(id);
	}
}

async function computed(opened: AnySession, call: Call, signal: AbortSignal): Promise<unknown> {
	if (opened instanceof FeatureExtractionSession) {
		const embeddings: Embedding[] = [];
		for (const text of call.texts ?? []) {
			embeddings.push(await opened.embed(text, { signal }));
		}
		return { cosines: embeddings.map((a) => embeddings.map((b) => opened.similarity(a, b))) };
	}
	const count = TOP_K[opened.task];
	return await opened.request(count ? { ...call, top_k: count } : { ...call }, signal);
}

function reply(message: Reply): void {
	self.postMessage(message);
}
