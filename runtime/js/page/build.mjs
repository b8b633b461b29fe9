// Builds the page that `albert-export web` writes: `node page/build.mjs FOLDER`, after `npm ci`.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const page = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2];
if (!folder) {
	console.error("usage: node page/build.mjs FOLDER");
	process.exit(2);
}

const shared = {
	bundle: true,
	minify: true,
	target: "es2022",
	outdir: folder,
	legalComments: "none",
	logLevel: "warning",
};
// The page is a plain script and no module: browsers load no modules from files, where it has to say what to do.
await build({ ...shared, entryPoints: { page: join(page, "page.ts") }, format: "iife" });
await build({ ...shared, entryPoints: { sw: join(page, "service-worker.ts") }, format: "iife" });
// The worker hands the package the engine that it uses; what the package would import by itself elsewhere stays out.
const unused = {
	name: "unused engines",
	setup(bundler) {
		bundler.onResolve({ filter: /^(node:.*|onnxruntime-node|onnxruntime-web|@litertjs\/core)$/ }, ({ path }) => ({
			path,
			external: true,
		}));
	},
};
await build({ ...shared, entryPoints: { worker: join(page, "worker.ts") }, format: "esm", plugins: [unused] });

for (const name of ["index.html", "style.css", "icon.svg"]) {
	await copyFile(join(page, name), join(folder, name));
}

// The WebAssembly of ONNX Runtime for CPUs, and the module that starts it, from the package that was installed.
const engine = dirname(createRequire(import.meta.url).resolve("onnxruntime-web"));
await mkdir(join(folder, "engine"), { recursive: true });
for (const name of ["ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]) {
	await copyFile(join(engine, name), join(folder, "engine", name));
}
await copyFile(join(page, "engine-license.txt"), join(folder, "engine", "LICENSE"));
const { version } = JSON.parse(await readFile(join(engine, "..", "package.json"), "utf8"));
await writeFile(
	join(folder, "engine", "README.md"),
	`The files here are of the npm package onnxruntime-web ${version} (https://github.com/microsoft/onnxruntime).\n`,
);
