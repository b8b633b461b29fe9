/**
 * Compares the tokenizer of the built package (`npm run build`) with what the Python package made of the same texts.
 *
 *     node tools/check-corpus.mjs FOLDER CORPUS
 *
 * FOLDER holds the files of a tokenizer. CORPUS has a line of JSON for each text or pair: `text`, `pair` (or null), `ids`,
 * and `spans_utf16`, the start and end of each token. Prints JSON: the number of texts and of differences, the first
 * differences, and the speed. The exit status is 1 if there are differences.
 */

import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { AlbertTokenizer } from "../dist/index.js";

const MOST_SHOWN = 5;
const AT_ONCE = 2000;

const [folder, corpus] = process.argv.slice(2);
const names = (await readdir(folder)).filter((name) => !name.endsWith(".jsonl"));
const tokenizer = await AlbertTokenizer.fromFiles({
	names: () => names,
	read: async (name) => new Uint8Array(await readFile(join(folder, name))),
});

let texts = 0;
let differences = 0;
let milliseconds = 0;
const first = [];

function differs(encoding, record) {
	const { ids, starts, ends } = encoding;
	if (ids.length !== record.ids.length) return true;
	return record.ids.some((id, index) => {
		const [start, end] = record.spans_utf16[index];
		return id !== ids[index] || start !== starts[index] || end !== ends[index];
	});
}

function check(lines) {
	const records = lines.map((line) => JSON.parse(line));
	const began = performance.now();
	const found = records.map(({ text, pair }) => tokenizer.encode(text, pair ?? undefined)[0]);
	milliseconds += performance.now() - began;
	texts += records.length;
	records.forEach((record, index) => {
		const encoding = found[index];
		if (!differs(encoding, record)) return;
		differences++;
		if (first.length >= MOST_SHOWN) return;
		const spans = [...encoding.starts].map((start, place) => [start, encoding.ends[place]]);
		first.push({ ...record, found: { ids: [...encoding.ids], spans_utf16: spans } });
	});
}

let lines = [];
for await (const line of createInterface({ input: createReadStream(corpus, "utf-8") })) {
	lines.push(line);
	if (lines.length < AT_ONCE) continue;
	check(lines);
	lines = [];
}
check(lines);
const speed = Math.round((texts / milliseconds) * 1000);
console.log(JSON.stringify({ texts, differences, first_differences: first, texts_per_second: speed }));
process.exitCode = differences > 0 ? 1 : 0;
