/**
 * Answers every request of a file that `albert-export vectors` wrote, and prints what differs.
 *
 *     node tools/check-vectors.mjs BUNDLE VECTORS [ENGINE]
 *
 * It uses the built package (`npm run build`). The exit status is 1 if an answer or an error differs.
 */

import { readFileSync } from "node:fs";
import { AlbertError, load, toDict } from "../dist/index.js";

const [bundle, file, engine] = process.argv.slice(2);
const vectors = JSON.parse(readFileSync(file, "utf8"));
const session = await load(bundle, engine ? { engine } : {});
let differences = 0;

/** The places in which two values of JSON types differ; numbers may differ by a millionth of the tolerance's unit. */
function* compare(got, wanted, tolerance, path = "answer") {
	if (typeof wanted === "number" && typeof got === "number") {
		if (Math.abs(got - wanted) > (Number.isInteger(wanted) ? 0 : tolerance)) yield `${path}: ${got}, was ${wanted}`;
	} else if (wanted === null || got === null || typeof wanted !== "object" || typeof got !== "object") {
		if (got !== wanted) yield `${path}: ${JSON.stringify(got)}, was ${JSON.stringify(wanted)}`;
	} else if (Array.isArray(wanted) && Array.isArray(got) && wanted.length !== got.length) {
		yield `${path}: ${got.length} and not ${wanted.length} of them`;
	} else {
		for (const name of Object.keys(wanted)) {
			// The places in code points are for languages that count those.
			if (`${name}_utf16` in wanted) continue;
			yield* compare(got[name.replace(/_utf16$/, "")], wanted[name], tolerance, `${path}.${name}`);
		}
	}
}

for (const [index, { call, answer }] of vectors.requests.entries()) {
	const found = [...compare(toDict(await session.request(call)), answer, 1e-4)];
	for (const one of found) console.log(`request ${index}: ${one}`);
	differences += found.length > 0;
}
for (const [index, { call, type, message }] of vectors.errors.entries()) {
	try {
		await session.request(call);
		console.log(`error ${index}: an answer, and not ${type}: ${message}`);
		differences++;
	} catch (error) {
		if (!(error instanceof AlbertError)) throw error;
		if (error.name === type && error.message === message) continue;
		console.log(`error ${index}: ${error.name}: ${error.message}\n  and not ${type}: ${message}`);
		differences++;
	}
}
console.log(`${vectors.requests.length} requests, ${vectors.errors.length} errors, ${differences} differ`);
await session.close();
process.exitCode = differences ? 1 : 0;
