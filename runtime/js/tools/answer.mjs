/**
 * Answers requests for tests: JSON Lines of the Python session's keyword arguments on the standard input, JSON Lines of
 * `{"answer": ...}`, as Python's `to_dict()`, or `{"error": {"type", "message"}}` on the standard output.
 *
 *     node tools/answer.mjs BUNDLE [ENGINE] < requests.jsonl > answers.jsonl
 *
 * A request with `candidate_labels` is one of zero-shot classification. It uses the built package (`npm run build`).
 */

import { createInterface } from "node:readline";
import { AlbertError, load, toDict, ZeroShotClassifier } from "../dist/index.js";

const [bundle, engine] = process.argv.slice(2);
const session = await load(bundle, engine ? { engine } : {});

function answer({ candidate_labels, hypothesis_template, multi_label, ...fields }) {
	if (candidate_labels === undefined) return session.request(fields);
	const options = { hypothesisTemplate: hypothesis_template, multiLabel: multi_label };
	return new ZeroShotClassifier(session).classify(fields.text, candidate_labels, options);
}

for await (const line of createInterface({ input: process.stdin })) {
	if (!line.trim()) continue;
	try {
		console.log(JSON.stringify({ answer: toDict(await answer(JSON.parse(line))) }));
	} catch (error) {
		if (!(error instanceof AlbertError)) throw error;
		console.log(JSON.stringify({ error: { type: error.name, message: error.message } }));
	}
}
await session.close();
