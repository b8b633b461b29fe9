/** Opens the parts of a session: the bundle, its tokenizer and its engine. */

import { openBundle } from "./bundle/bundle";
import type { Progress } from "./bundle/files";
import { openSource, type Source } from "./bundle/open-source";
import { type Engine, type EngineFactory, type EngineName, openEngine } from "./engines/engine";
import { BundleError } from "./errors";
import { checkSelfTest } from "./self-test";
import type { AlbertSession, SessionParts } from "./session";
import { absentTokenizer } from "./token-ids";
import { AlbertTokenizer } from "./tokenization/tokenizer";

/** How a bundle is loaded. */
export interface LoadOptions {
	/**
	 * the engine by its name, or with its options (`onnxWeb({ wasmPaths })`), or an object that computes; the first one
	 * that runs the model file and is installed if it is not given
	 */
	engine?: EngineName | EngineFactory | Engine | undefined;
	/** the number of threads that compute one answer */
	threads?: number | undefined;
	/** compare the files with their hashes, and compute the self-test vectors again (default: true) */
	verify?: boolean | undefined;
	/** how far the download of each file is */
	onProgress?: ((progress: Progress) => void) | undefined;
	/** cancels the download */
	signal?: AbortSignal | undefined;
	/** used in place of the global `fetch` */
	fetch?: typeof fetch | undefined;
}

/** The class of a session. */
export interface SessionClass<Session extends AlbertSession> {
	new (parts: SessionParts): Session;
	/** the full name of its task */
	readonly task: string;
}

/**
 * The session for the bundle in `source`.
 *
 * Throws a UsageError if there is no such bundle or engine, an UnsupportedError if the engine does not run the model
 * file, a BundleError if the bundle is damaged, made for another task, or its parts don't fit each other, a
 * DependencyError if the engine's package is not installed, and an OperatorError if the engine lacks an operator.
 *
 * @param classes the classes of the tasks that are wanted
 */
export async function openSession<Session extends AlbertSession>(
	source: Source,
	options: LoadOptions,
	classes: readonly SessionClass<Session>[],
): Promise<Session> {
	const { verify = true, threads, signal } = options;
	const opened = await openSource(source, options);
	try {
		const bundle = await openBundle(opened, verify);
		const { manifest, location, files } = bundle;
		const sessionClass = classes.find((one) => one.task === manifest.task);
		if (sessionClass === undefined) {
			throw new BundleError(
				`${location} is a bundle for ${manifest.task}, not for ${classes[0]?.task}; load() picks the session that fits`,
			);
		}
		const tokenizer = manifest.hasTokenizer ? await AlbertTokenizer.fromFiles(files) : absentTokenizer(location);
		const model = { name: manifest.modelFile, path: bundle.modelPath, read: () => files.read(manifest.modelFile) };
		const { engine } = options;
		const running = isEngine(engine) ? engine : await openEngine(model, engine, { threads });
		try {
			signal?.throwIfAborted();
			const session = new sessionClass({ bundle, tokenizer, engine: running });
			if (verify) await session.onceWarnings.muted(() => checkSelfTest(session, manifest.selfTest));
			return session;
		} catch (error) {
			if (!isEngine(engine)) await running.close?.();
			throw error;
		}
	} finally {
		await opened.close?.();
	}
}

function isEngine(engine: LoadOptions["engine"]): engine is Engine {
	return typeof engine === "object" && engine !== null;
}
