import { defineConfig } from "tsdown";

export default defineConfig({
	entry: ["src/index.ts"],
	format: ["esm", "cjs"],
	dts: true,
	target: "es2022",
	platform: "neutral",
	deps: { neverBundle: ["onnxruntime-node", "onnxruntime-web", "@litertjs/core"] },
	fixedExtension: false,
});
