import { describe, expect, test } from "vitest";
import { openBundle } from "../src/bundle/bundle";
import { openSource } from "../src/bundle/open-source";
import { crc32 } from "../src/bundle/packed-source";
import { type EntryChanges, madeBundle, packed } from "./made-bundles";

async function refusal(bytes: Uint8Array): Promise<string> {
	try {
		const bundle = await openBundle(await openSource(bytes, {}), false);
		await bundle.files.read("spiece.model");
		return "it was opened";
	} catch (error) {
		return `${(error as Error).name}: ${(error as Error).message}`;
	}
}

test("a packed bundle is opened from bytes and from a Blob", async () => {
	const bytes = packed(madeBundle());
	for (const source of [bytes, new Blob([bytes as Uint8Array<ArrayBuffer>])]) {
		const bundle = await openBundle(await openSource(source, {}));
		expect(bundle.manifest.files).toHaveProperty("spiece.model");
		expect(await bundle.files.read("model.onnx")).toEqual(Uint8Array.of(8, 7, 6));
	}
});

test("the checksum is CRC-32 of ISO 3309", () => {
	expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
});

describe("a file that another tool packed, or that is damaged, is refused", () => {
	const cases: [string, EntryChanges, string][] = [
		["deflated", { method: 8 }, "spiece.model: it is compressed (method 8)"],
		["encrypted", { flags: 0x801 }, "spiece.model: it is encrypted"],
		["with a data descriptor", { flags: 0x808 }, "its sizes are behind its data (a data descriptor)"],
		["a bomb", { size: 4_000_000_000 }, "it reaches past the end of the data"],
		["with a wrong checksum", { crc: 1 }, "spiece.model is damaged: its checksum (CRC-32) is wrong"],
		["not aligned", { unaligned: true }, "its data do not start at a multiple of 64, as if another tool had packed it"],
		["with sizes that don't agree", { size: 2 }, "its sizes don't agree: 3 and 2 bytes"],
	];
	test.each(cases)("%s", async (_, changes, message) => {
		expect(await refusal(packed(madeBundle(), "spiece.model", changes))).toContain(message);
	});

	test("at every length that it may be cut to", async () => {
		const bytes = packed(madeBundle());
		for (let length = 0; length < bytes.length; length += 7) {
			expect(await refusal(bytes.subarray(0, length))).toContain("BundleError: the packed bundle");
		}
	});

	test("with names that are none, twice, or in another order", async () => {
		const files = [...madeBundle()];
		for (const name of ["../evil", "/evil", "a\\b", "a//b", "./a", "a/", "c:d"]) {
			expect(await refusal(packed([...files, [name, new Uint8Array(1)]]))).toContain(
				"is not the name of a file in a bundle",
			);
		}
		expect(await refusal(packed([...files, ["Config.json", new Uint8Array(1)]]))).toContain(
			"Config.json is there twice",
		);
		expect(await refusal(packed(files.toReversed()))).toContain(
			"its first file is spiece.model, and must be manifest.json",
		);
		expect(await refusal(packed([...files, ["more.txt", new Uint8Array(1)]]))).toContain(
			"more.txt is not named in manifest.json",
		);
		expect(await refusal(packed(files, "", {}, "hello"))).toContain("it does not end as a packed bundle does");
	});

	test("with an entry over another", async () => {
		const bytes = packed(madeBundle());
		const view = new DataView(bytes.buffer);
		// The place of the last entry, 12 bytes of name and 4 before it in front of the end record.
		view.setUint32(bytes.length - 22 - 12 - 4, 0, true);
		expect(await refusal(bytes)).toContain("overlaps the file before it");
	});
});
