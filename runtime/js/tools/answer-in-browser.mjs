/**
 * Classifies texts in headless Chromium, for tests. On the standard input: `{"chromium": path, "bundles": {name: folder},
 * "texts": [...]}`; on the standard output, for each bundle `{"answers", "progress"}` or `{"error"}`.
 *
 * A bundle called "onnx" is run by onnxruntime-web, the others by LiteRT.js. It uses the built package (`npm run build`).
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const job = JSON.parse(readFileSync(0, "utf8"));
const modules = join(import.meta.dirname, "..", "node_modules");
const page = `
import * as ort from "onnxruntime-web/wasm";
import { load, liteRt, onnxWeb, toDict } from "./dist/index.js";
globalThis.classify = async (name, texts) => {
	let progress = 0;
	try {
		const engine = name === "onnx" ? onnxWeb({ module: ort, wasmPaths: "/ort/" }) : liteRt({ wasmPath: "/litert/" });
		const session = await load("/bundle-" + name + "/", { engine, onProgress: () => progress++ });
		const answers = [];
		for (const text of texts) answers.push(toDict(await session.classify(text)));
		await session.close();
		return { answers, progress };
	} catch (error) {
		return { error: error.name + ": " + error.message };
	}
};
`;
const built = await build({
	stdin: { contents: page, resolveDir: join(import.meta.dirname, "..") },
	bundle: true,
	format: "esm",
	write: false,
	logLevel: "error",
});
const script = built.outputFiles[0].text;
const roots = { ort: join(modules, "onnxruntime-web", "dist"), litert: join(modules, "@litertjs", "core", "wasm") };
for (const [name, folder] of Object.entries(job.bundles)) roots[`bundle-${name}`] = folder;
const types = { ".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm" };
const server = createServer((request, response) => {
	const [, root = "", ...rest] = request.url.split("/");
	const file = join(roots[root] ?? "", ...rest);
	if (root === "")
		response.setHeader("content-type", "text/html").end('<script type="module" src="/page.js"></script>');
	else if (root === "page.js") response.setHeader("content-type", "text/javascript").end(script);
	else if (!(root in roots) || !existsSync(file)) response.writeHead(404).end();
	else response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream").end(readFileSync(file));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const profile = mkdtempSync(join(tmpdir(), "albert-chromium-"));
const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const browser = await chromium.launchPersistentContext(profile, {
	executablePath: job.chromium,
	headless: true,
	args: [...flags, "--disable-component-update", "--disable-sync"],
});
try {
	const tab = await browser.newPage();
	await tab.goto(`http://127.0.0.1:${server.address().port}/`);
	await tab.waitForFunction(() => globalThis.classify !== undefined);
	const found = {};
	for (const name of Object.keys(job.bundles)) {
		found[name] = await tab.evaluate(([one, texts]) => globalThis.classify(one, texts), [name, job.texts]);
	}
	console.log(JSON.stringify(found));
} finally {
	await browser.close();
	server.close();
	rmSync(profile, { recursive: true, force: true });
}
