import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, openBundle } from "../src/bundle/bundle";
import type { Progress } from "../src/bundle/files";
import { openSource, type Source } from "../src/bundle/open-source";
import { sha256WithoutCrypto } from "../src/bundle/sha256";
import type { FetchOptions } from "../src/bundle/url-source";
import { FIELDS, madeBundle, packed } from "./made-bundles";

async function opened(source: Source, options: FetchOptions = {}): Promise<Bundle> {
	return openBundle(await openSource(source, options));
}

async function refusal(source: Source, options: FetchOptions = {}): Promise<string> {
	const bundle = opened(source, options);
	return bundle.then(
		() => "it was opened",
		(error: Error) => `${error.name}: ${error.message}`,
	);
}

test("a bundle in memory is read", async () => {
	const bundle = await opened(madeBundle());
	expect(bundle.manifest.labels).toEqual(["no", "yes"]);
	expect(bundle.manifest.nullThreshold).toBeNull();
	expect(bundle.config).toEqual({ vocab_size: 8 });
	expect(bundle.maxLength).toBe(16);
	expect((await opened(Object.fromEntries(madeBundle()))).manifest.task).toBe("text-classification");
});

test("files that are damaged or missing are all named at once", async () => {
	const files = madeBundle();
	files.set("model.onnx", Uint8Array.of(8, 7));
	files.delete("spiece.model");
	expect(await refusal(files)).toBe(
		"BundleError: the bundle the bundle is damaged:\n" +
			"  - model.onnx (2 bytes) is not the file that was exported\n" +
			"  - spiece.model is missing\nCopy it again from where it was exported.",
	);
});

test("what a download left in place of a file is named", async () => {
	const page = madeBundle().set("spiece.model", new TextEncoder().encode("<!doctype html><html></html>"));
	expect(await refusal(page)).toContain("the bundle/spiece.model is a web page, not the file");
	const pointer = madeBundle().set(
		"model.onnx",
		new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1234567\n"),
	);
	expect(await refusal(pointer)).toContain("is a pointer of Git LFS");
	expect(await refusal(pointer)).toContain("of 1,234,567 bytes, was not fetched");
});

describe("a manifest with wrong fields is refused", () => {
	test.each([
		[{ format_version: 2 }, "the bundle is of format version 2, this runtime reads version 1; upgrade the runtime"],
		[{ format_version: 0 }, "format version 0, this runtime reads version 1; export the model again"],
		[{ task: "fill" }, '"task" must be one of feature-extraction, pretraining, fill-mask'],
		[{ max_length: 2 }, '"max_length" must be a number of tokens, 3 or more, not 2'],
		[{ model_file: "../model.onnx" }, "\"model_file\" must be the name of a file in the bundle, not '../model.onnx'"],
		[{ files: { "a/../../b": "0".repeat(64) } }, '"files" must be a table of file names in the bundle'],
		[{ files: { "config.json": "00" } }, '"files" must be a table of file names in the bundle'],
		[{ labels: [] }, '"labels" is empty, and text-classification needs the name of each label'],
		[
			{ head: "x" },
			"\"head\" is 'x', which this runtime does not know; it knows for text-classification: only the usual",
		],
		[{ null_threshold: 1 }, '"null_threshold" must be null, because it does not go with text-classification'],
		[{ missing_outputs: ["logits"] }, "names 'logits', which a graph for text-classification can't lack"],
		[{ files: {} }, '"files" has no hash for spiece.model (nor for vocab.txt)'],
		[{ task: 1, opset: 1.5 }, '  - "opset" must be a whole number or null, not 1.5'],
	])("%j", async (changes, message) => {
		expect(await refusal(madeBundle(changes))).toContain(message);
	});

	test("missing fields", async () => {
		const files = madeBundle();
		const { task, ...rest } = FIELDS;
		files.set("manifest.json", new TextEncoder().encode(JSON.stringify(rest)));
		expect(await refusal(files)).toBe(
			"BundleError: the bundle: the manifest of the bundle is incomplete:\n" +
				'  - "task" is missing\n  - "files" is missing',
		);
		files.set("manifest.json", new TextEncoder().encode("{"));
		expect(await refusal(files)).toContain("the bundle/manifest.json is not valid JSON: ");
		files.delete("manifest.json");
		expect(await refusal(files)).toContain("the bundle is not a bundle: it has no manifest.json");
		expect(task).toBe("text-classification");
	});
});

test("what is no source is refused", async () => {
	expect(await refusal(7 as never)).toContain("not as int 7");
	expect(await refusal({ a: 1 } as never)).toContain("not as dict {'a': 1}");
});

describe("a folder", () => {
	let folder = "";

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), "albert-"));
		await mkdir(join(folder, "bundle"));
		for (const [name, bytes] of madeBundle()) await writeFile(join(folder, "bundle", name), bytes);
		await mkdir(join(folder, "empty"));
		await mkdir(join(folder, "checkpoint"));
		await writeFile(join(folder, "checkpoint", "model.safetensors"), "");
		await writeFile(join(folder, "packed.albert"), packed(madeBundle()));
		await writeFile(join(folder, "cut.albert"), packed(madeBundle()).subarray(0, 300));
	});
	afterAll(() => rm(folder, { recursive: true }));

	test("is opened by its path, its file address, or packed", async () => {
		const bundle = await opened(join(folder, "bundle"));
		expect(bundle.modelPath).toBe(join(folder, "bundle", "model.onnx"));
		expect((await opened(new URL(`file://${folder}/bundle`))).manifest.maxLength).toBe(16);
		expect((await opened(join(folder, "packed.albert"))).manifest.maxLength).toBe(16);
	});

	test("says what it is if it is no bundle", async () => {
		expect(await refusal(join(folder, "none"))).toContain(`UsageError: there is no folder ${folder}/none`);
		expect(await refusal(join(folder, "empty"))).toContain("is an empty folder, not a bundle");
		expect(await refusal(join(folder, "checkpoint"))).toContain("is a checkpoint, not a bundle; export it first");
		expect(await refusal(join(folder, "bundle", "model.onnx"))).toContain(`give the whole folder: ${folder}/bundle`);
		expect(await refusal(join(folder, "cut.albert"))).toContain("it is cut short, or is another kind of file");
	});
});

describe("a server", () => {
	let server: Server;
	let address = "";

	beforeAll(async () => {
		const files = madeBundle();
		server = createServer((request, response) => {
			const [, folder = "", name = ""] = request.url?.split("/") ?? [];
			const bytes = files.get(name);
			if (folder === "page") response.setHeader("content-type", "text/html").end("<!doctype html><p>Hello");
			else if (folder === "slow") response.write("{");
			else if (folder === "wrong" && name === "model.onnx") response.end("damaged");
			else if (folder === "packed.albert") response.end(packed(files));
			else if (bytes === undefined || folder === "gone") response.writeHead(404).end("Not Found");
			else response.setHeader("content-length", bytes.length).end(bytes);
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	});
	afterAll(() => {
		server.closeAllConnections();
		server.close();
	});

	test("gives the files with progress", async () => {
		const seen: Progress[] = [];
		const bundle = await opened(`${address}/bundle/`, { onProgress: (one) => seen.push(one) });
		expect(bundle.manifest.maxLength).toBe(16);
		expect(await bundle.files.read("model.onnx")).toEqual(Uint8Array.of(8, 7, 6));
		expect(seen.map((one) => one.file)).toContain("manifest.json");
		expect(seen.at(-1)).toEqual({ file: "model.onnx", loaded: 3, total: 3 });
		expect((await opened(new URL(`${address}/packed.albert`))).manifest.maxLength).toBe(16);
	});

	test("that lacks files, or gives others, is reported", async () => {
		expect(await refusal(`${address}/gone`)).toContain(
			`BundleError: ${address}/gone/manifest.json can't be fetched: the server answered 404 Not Found`,
		);
		expect(await refusal(`${address}/page`)).toContain("manifest.json is a web page, not the file");
		const bundle = await opened(`${address}/wrong`);
		await expect(bundle.files.read("model.onnx")).rejects.toThrow("model.onnx (7 bytes) is not the file");
		expect(await refusal("http://127.0.0.1:1/bundle")).toContain(
			"http://127.0.0.1:1/bundle/manifest.json can't be fetched",
		);
	});

	test("can be cancelled", async () => {
		const controller = new AbortController();
		const waiting = opened(`${address}/slow`, {
			signal: controller.signal,
			onProgress: () => controller.abort(new Error("enough")),
		});
		await expect(waiting).rejects.toThrow("enough");
	});
});

test("our own SHA-256 is that of the platform at every padding", () => {
	for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 4097]) {
		const bytes = new Uint8Array(randomBytes(size));
		expect(sha256WithoutCrypto(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
	}
});
