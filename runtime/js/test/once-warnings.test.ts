import { afterEach, expect, test, vi } from "vitest";
import { sha256WithoutCrypto } from "../src/bundle/sha256";
import type { Engine } from "../src/engines/engine";
import { load } from "../src/index";
import { OnceWarnings } from "../src/once-warnings";
import { madeBundle } from "./made-bundles";

const SETTINGS = '{"tokenizer_class": "BertTokenizer"}';
const VECTOR = {
	inputs: { text: "film ".repeat(40) },
	input_ids: [[2, ...Array.from({ length: 14 }, () => 5), 3]],
	outputs: { logits: { shape: [1, 2], indices: [0, 1], values: [0, 1] } },
	tolerance: 0,
};

afterEach(() => {
	vi.restoreAllMocks();
});

test("a warning is given once for each subject", () => {
	const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
	const warnings = new OnceWarnings();
	for (const subject of ["a", "b", "a"]) warnings.log(subject, `${subject} is long`);
	expect(warned.mock.calls.flat()).toEqual(["albert-runtime: a is long", "albert-runtime: b is long"]);
});

test("what is not the user's is neither said nor counted as said", async () => {
	const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
	const warnings = new OnceWarnings();
	const broken = warnings.muted(async () => {
		warnings.log("a", "a is long");
		throw new Error("the self-test fails");
	});
	await expect(broken).rejects.toThrow("the self-test fails");
	expect(warned).not.toHaveBeenCalled();
	warnings.log("a", "a is long");
	expect(warned).toHaveBeenCalledOnce();
});

test("what a self-test leaves out is not said, and the user's own text is", async () => {
	const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
	const tokens = { "vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfilm\n", "tokenizer_config.json": SETTINGS };
	const files = madeBundle({ self_test: [VECTOR] });
	const manifest = JSON.parse(new TextDecoder().decode(files.get("manifest.json")));
	for (const [name, text] of Object.entries(tokens)) {
		const bytes = new TextEncoder().encode(text);
		files.set(name, bytes);
		manifest.files[name] = sha256WithoutCrypto(bytes);
	}
	files.set("manifest.json", new TextEncoder().encode(JSON.stringify(manifest)));
	let runs = 0;
	const engine: Engine = {
		name: "canned",
		version: "1",
		inputNames: ["input_ids"],
		outputNames: ["logits"],
		run: async () => {
			runs++;
			return { logits: { dims: [1, 2], data: Float32Array.of(0, 1) } };
		},
	};
	const session = await load(files, { engine });
	expect(runs).toBe(1);
	expect(warned).not.toHaveBeenCalled();
	for (const count of [20, 30]) await session.request({ text: "film ".repeat(count) });
	expect(warned.mock.calls).toEqual([
		[expect.stringContaining("the text has 22 tokens and the model takes 16: 6 tokens at the end were left out")],
	]);
});
