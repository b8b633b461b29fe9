/**
 * Answers requests for tests: JSON Lines of the Python session's keyword arguments on the standard input, JSON Lines of
 * `{"answer": ...}`, as Python's `to_dict()`, or `{"error": {"type", "message"}}` on the standard output.
 *
 *     node tools/answer.mjs BUNDLE [ENGINE] < requests.jsonl > answers.jsonl
 *
 * It uses the built package (`npm run build`).
 */

import { createInterface } from "node:readline";
import { AlbertError, load, toDict } from "../dist/index.js";

const [bundle, engine] = process.argv.slice(2);
const session = await load(bundle, engine ? { engine } : {});
for await (const line of createInterface({ input: process.stdin })) {
	if (!line.trim()) continue;
	try {
		console.log(JSON.stringify({ answer: toDict(await session.request(JSON.parse(line))) }));
	} catch (error) {
		if (!(error instanceof AlbertError)) throw error;
		console.log(JSON.stringify({ error: { type: error.name, message: error.message } }));
	}
}
await session.close();
