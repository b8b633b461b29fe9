import { describe, expect, test } from "vitest";
import { UnsupportedError } from "../src/errors";
import { addedToken, isContent, isId } from "../src/tokenization/added-token";
import { AddedVocabulary } from "../src/tokenization/added-vocabulary";
import { AlignedText } from "../src/tokenization/aligned-text";
import { Alternatives } from "../src/tokenization/alternatives";
import { BertNormalizer, isChinese, isPunctuation, words } from "../src/tokenization/bert-normalizer";
import { codePoints, isSpace, isWordCharacter, textOf } from "../src/tokenization/characters";
import { Normalizer } from "../src/tokenization/normalizer";
import { SlowSplitter } from "../src/tokenization/slow-splitter";
import { SpecialTokens, TOKEN_OF_ROLE, WORDPIECE_TOKEN_OF_ROLE } from "../src/tokenization/special-tokens";
import { TokenTrie } from "../src/tokenization/token-trie";
import type { TokenizerFile } from "../src/tokenization/tokenizer-file";
import { isCombining, isDigit } from "../src/tokenization/unicode-ranges";
import { readVocabularyLines, WordPieceModel } from "../src/tokenization/wordpiece-model";

/** Each word of a normalized text, and its stretch of the original text. */
function stretches(aligned: AlignedText, text: string): [string, string][] {
	const bounds = words(aligned.codes);
	const found: [string, string][] = [];
	for (let index = 0; index < bounds.length; index += 2) {
		const [start, stop] = [bounds[index] as number, bounds[index + 1] as number];
		found.push([textOf(aligned.codes, start, stop), text.slice(aligned.starts[start], aligned.ends[stop - 1])]);
	}
	return found;
}

describe("characters", () => {
	test("are those of Python", () => {
		const all = Array.from({ length: 0x80 }, (_, code) => code);
		expect(all.filter(isSpace)).toEqual([9, 10, 11, 12, 13, 28, 29, 30, 31, 32]);
		expect([...codePoints("\x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000")].every(isSpace)).toBe(true);
		expect([...codePoints("\u200b\ufeff\u180e")].some(isSpace)).toBe(false);
		expect([...codePoints("a1_é½Ⅳ漢")].every(isWordCharacter)).toBe(true);
		expect([...codePoints("\u0301 .$")].some(isWordCharacter)).toBe(false);
		expect([...codePoints("1²①٣½Ⅳ")].map(isDigit)).toEqual([true, true, true, true, false, false]);
		expect([...codePoints("\u0301\u3099\u{1e94a}a\u0903")].map(isCombining)).toEqual([true, true, true, false, false]);
	});

	test("make the same text again", () => {
		const text = "a\u{1f600}".repeat(9000);
		expect(textOf(codePoints(text))).toBe(text);
		expect(textOf(codePoints(text), 1, 3)).toBe("\u{1f600}a");
	});
});

describe("AlignedText", () => {
	test("counts UTF-16 units of the original text", () => {
		const aligned = AlignedText.of("a\u{1f600}\ud800b");
		expect(aligned.text).toBe("a\u{1f600}\ufffdb");
		expect([...aligned.starts]).toEqual([0, 1, 3, 4]);
		expect([...aligned.ends]).toEqual([1, 3, 4, 5]);
		expect(aligned.prefixed(0x2581).text).toBe("\u2581a\u{1f600}\ufffdb");
	});

	test("is replaced at each match", () => {
		const found = AlignedText.of("\u{1f600}  a ").replaced(/ +/gu, codePoints("__"));
		expect(found.text).toBe("\u{1f600}__a__");
		expect([...found.starts]).toEqual([0, 2, 2, 4, 5, 5]);
		expect([...found.ends]).toEqual([2, 4, 4, 5, 6, 6]);
	});

	test("gives marks that are reordered one span", () => {
		const found = AlignedText.of("a\u0308\u0327b").normalized("NFD");
		expect(found.text).toBe("a\u0327\u0308b");
		expect([...found.starts]).toEqual([0, 1, 1, 3]);
		expect([...found.ends]).toEqual([1, 3, 3, 4]);
	});

	test("composes a syllable", () => {
		const found = AlignedText.of("x\u1112\u1161\u11ab").normalized("NFKC");
		expect([found.text, [...found.starts], [...found.ends]]).toEqual(["x한", [0, 1], [1, 4]]);
	});
});

test("Normalizer squeezes spaces, drops accents, and knows quotes and the final sigma", () => {
	const text = "  ``Déjà''\t ﬁ ΟΔΟΣ ";
	const normalized = new Normalizer(true, true, false).normalize(AlignedText.of(text));
	expect(stretches(normalized, text)).toEqual([
		['"deja"', "``Déjà''"],
		["fi", "ﬁ"],
		["οδος", "ΟΔΟΣ"],
	]);
	expect(new Normalizer(false, false, true).normalize(AlignedText.of(text)).text).toBe('  "Déjà"\t ﬁ ΟΔΟΣ ');
});

describe("BertNormalizer", () => {
	const lower = new BertNormalizer(true, null, true);
	const cased = new BertNormalizer(false, null, true);
	const plain = new BertNormalizer(false, null, false);
	test.each<[string, BertNormalizer, [string, string][]]>([
		[
			"Hi, you$",
			cased,
			[
				["Hi", "Hi"],
				[",", ","],
				["you", "you"],
				["$", "$"],
			],
		],
		[
			"中文ok。",
			cased,
			[
				["中", "中"],
				["文", "文"],
				["ok", "ok"],
				["。", "。"],
			],
		],
		[
			"中文ok。",
			plain,
			[
				["中文ok", "中文ok"],
				["。", "。"],
			],
		],
		["a\0b\ufffdc\ue000d\u{10ffff}e\u200d", cased, [["abcde", "a\0b\ufffdc\ue000d\u{10ffff}e\u200d"]]],
		["Café", lower, [["cafe", "Café"]]],
		[
			"cafe\u0301 x",
			cased,
			[
				["café", "cafe\u0301"],
				["x", "x"],
			],
		],
		["Café", new BertNormalizer(true, false, true), [["café", "Café"]]],
		["Café", new BertNormalizer(false, true, true), [["Cafe", "Café"]]],
		["가나", lower, [["\u1100\u1161\u1102\u1161", "가나"]]],
		["İ", new BertNormalizer(true, false, true), [["i\u0307", "İ"]]],
		[
			"ΟΣ.Α ΟΣ.",
			lower,
			[
				["οσ", "ΟΣ"],
				[".", "."],
				["α", "Α"],
				["ος", "ΟΣ"],
				[".", "."],
			],
		],
		["=\u0338", cased, [["≠", "=\u0338"]]],
		[
			"\u{2f800}豈",
			cased,
			[
				["丽", "\u{2f800}"],
				["豈", "豈"],
			],
		],
		["\0", cased, []],
		["\u0301", lower, []],
	])("%j", (text, normalizer, expected) => {
		expect(stretches(normalizer.normalize(AlignedText.of(text)), text)).toEqual(expected);
	});

	test("keeps words whole", () => {
		const special = new Set(["[MASK]", "<pad>"]);
		const text = "[MA\u200bSK] x[MASK]";
		expect(stretches(cased.keeping(special).normalize(AlignedText.of(text)), text)).toEqual([
			["[MASK]", "[MA\u200bSK]"],
			["x", "x"],
			["[", "["],
			["MASK", "MASK"],
			["]", "]"],
		]);
		const normalized = lower.keeping(special).normalize(AlignedText.of("A [MASK] <PÁD> [mask]"));
		expect(normalized.text.trim().split(/ +/)).toEqual(["a", "[MASK]", "<pad>", "[", "mask", "]"]);
	});

	test("knows its characters", () => {
		const ascii = Array.from({ length: 0x80 }, (_, code) => code).filter(isPunctuation);
		expect(String.fromCharCode(...ascii)).toBe("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
		expect([...codePoints("。、「¿€£½")].map(isPunctuation)).toEqual([true, true, true, true, false, false, false]);
		expect([...codePoints("一\u4dff㐀か々\u{20000}\u{323af}")].map(isChinese)).toEqual([
			...[true, false, true],
			...[false, false, true, false],
		]);
	});
});

describe("WordPieceModel", () => {
	const pieces = [
		"[UNK]",
		"un",
		"##aff",
		"##able",
		"##a",
		"a",
		"aff",
		"##ff",
		"人",
		"##e\u0301",
		"e",
		"play",
		"##ing",
		"##in",
	];
	const model = new WordPieceModel("vocab.txt", "[UNK]", pieces);
	test.each<[string, [string, string][]]>([
		[
			"unaffable",
			[
				["un", "un"],
				["##aff", "aff"],
				["##able", "able"],
			],
		],
		[
			"  aff\u2028a ",
			[
				["aff", "aff"],
				["a", "a"],
			],
		],
		[
			"playin playing",
			[
				["play", "play"],
				["##in", "in"],
				["play", "play"],
				["##ing", "ing"],
			],
		],
		[
			"unb aff",
			[
				["[UNK]", "unb"],
				["aff", "aff"],
			],
		],
		["a".repeat(100), [["a", "a"], ...Array<[string, string]>(99).fill(["##a", "a"])]],
		["a".repeat(101), [["[UNK]", "a".repeat(101)]]],
		[
			"人人 人",
			[
				["[UNK]", "人人"],
				["人", "人"],
			],
		],
		[
			"ee\u0301",
			[
				["e", "e"],
				["##e\u0301", "e\u0301"],
			],
		],
		["", []],
		[" \t", []],
	])("%j", (text, expected) => {
		const found = model.split(AlignedText.of(text));
		expect(found.map(({ piece, start, end }) => [piece, text.slice(start, end)])).toEqual(expected);
	});

	test("knows its pieces", () => {
		expect(model.size).toBe(pieces.length);
		expect(pieces.map((piece) => model.idOf(piece))).toEqual([...pieces.keys()]);
		expect([model.idOf("absent"), model.holds("##aff"), model.holds("absent")]).toEqual([0, true, false]);
		expect(model.join(["un", "##aff", "##able", "a", "人"])).toBe("unaffable a 人");
		expect(WordPieceModel.join(["##aff", "a"])).toBe("##aff a");
		expect(["##a", "a", "#", "##"].map(WordPieceModel.startsWord)).toEqual([false, true, true, false]);
		const repeated = new WordPieceModel("vocab.txt", "[UNK]", ["a", "[UNK]", "a"]);
		expect([repeated.idOf("a"), repeated.pieceOf(0), repeated.pieceOf(2)]).toEqual([2, "[UNK]", "a"]);
	});

	const utf8 = (text: string) => new TextEncoder().encode(text);
	const lines = (content: Uint8Array) =>
		readVocabularyLines({ read: () => content, toString: () => "vocab.txt" } as unknown as TokenizerFile);

	test("reads lines", () => {
		expect(lines(utf8("a\r\nb\rc\n\n"))).toEqual(["a", "b", "c", ""]);
		expect(lines(utf8("\ufeffa\u2028\x0bb"))).toEqual(["\ufeffa\u2028\x0bb"]);
	});

	test.each<[string, Uint8Array, string[]]>([
		["UTF-16", Uint8Array.of(0xff, 0xfe, 0x5b, 0), ["not a text in UTF-8", "byte 0 is 0xff", "save it as UTF-8"]],
		["zeros", utf8("[\0U\0"), ["the piece [UNK] is missing", "zero bytes"]],
		["Latin-1", Uint8Array.of(...utf8("[UNK]\n"), 0xe9), ["byte 6 is 0xe9"]],
		["cut", Uint8Array.of(...utf8("é漢"), 0xe6, 0xbc), ["byte 5 is 0xe6"]],
		["BOM", utf8("\ufeff[UNK]\na"), ["the piece [UNK] is missing among its 2 lines", "byte order mark"]],
		["spaces", utf8("a\n[UNK] "), ["line 2 has white space around [UNK]"]],
		["empty", utf8("\n\n"), ["vocab.txt (2 bytes) is empty"]],
	])("refuses %s", (_, content, messages) => {
		const make = () => new WordPieceModel("vocab.txt", "[UNK]", lines(content));
		expect(make).toThrow(UnsupportedError);
		for (const message of messages) expect(make).toThrow(message);
	});
});

describe("added tokens", () => {
	const mask = addedToken({ content: "[MASK]", lstrip: true });
	const vocabulary = new AddedVocabulary(
		[mask, addedToken({ content: "<pad>" }), addedToken({ content: "<Ab>", special: false, normalized: true })],
		["[MASK]", "<pad>"],
	);
	const parts = (text: string, doLowerCase: boolean) => vocabulary.split(text, doLowerCase).map((part) => part.text);

	test("are cut out of a text", () => {
		expect(parts("A [MASK] b<pad>", false)).toEqual(["A", "[MASK]", " b", "<pad>"]);
		expect(parts("  [MASK][MASK]", false)).toEqual(["[MASK]", "[MASK]"]);
		expect(parts("ΟΣ <PAD><Ab><AB>[mask]", true)).toEqual(["οσ ", "<pad>", "<Ab>", "<ab>[mask]"]);
		expect(parts("", true)).toEqual([]);
		expect([vocabulary.contains("[MASK]"), vocabulary.contains("x")]).toEqual([true, false]);
	});

	test("are sections of their own", () => {
		const model = new WordPieceModel("vocab.txt", "[UNK]", ["[UNK]", "a"]);
		const splitter = new SlowSplitter(vocabulary, new Normalizer(true, true, false), model, false);
		expect(splitter.sections("\u{1f600} A [MASK]")).toEqual([
			[
				{ piece: "[UNK]", start: 0, end: 2 },
				{ piece: "a", start: 3, end: 4 },
			],
			[{ piece: "[MASK]", start: 5, end: 11 }],
		]);
	});

	test("have contents and ids", () => {
		expect([isContent("a"), isContent(""), isContent(1)]).toEqual([true, false, false]);
		expect([0, 2 ** 31 - 1, 2 ** 31, -1, 0.5, true, "1"].map(isId)).toEqual([true, true, ...Array(5).fill(false)]);
	});
});

test("Alternatives takes the first content at each place", () => {
	const found = new Alternatives(["ab", "a", "abc", "\u{1f600}"]).findAll(codePoints("xabc\u{1f600}a"));
	expect(found.map(({ content, start, end }) => [content, start, end])).toEqual([
		["ab", 1, 3],
		["\u{1f600}", 4, 5],
		["a", 5, 6],
	]);
});

test("TokenTrie takes the longest token", () => {
	const trie = new TokenTrie(["[CLS]", "extra_id_1", "extra_id_100"]);
	expect(trie.cuts(codePoints("[CLS] This is a extra_id_100"))).toEqual([0, 5, 16, 28]);
	expect(new TokenTrie(["A", "P", "[SPECIAL_TOKEN]"]).cuts(codePoints("This is something [SPECIAL_TOKEN]"))).toEqual([
		18, 33,
	]);
	expect([trie.overlaps(["[CLS]"]), trie.overlaps(["x[CLS"])]).toEqual([false, true]);
});

test("SpecialTokens have the order of Hugging Face", () => {
	const albert = SpecialTokens.ofRoles(TOKEN_OF_ROLE);
	expect(albert.inOrderOfRoles).toEqual(["[CLS]", "[SEP]", "<unk>", "[SEP]", "<pad>", "[CLS]", "[MASK]"]);
	expect(albert.contents).toEqual(["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]);
	expect(SpecialTokens.ofRoles(WORDPIECE_TOKEN_OF_ROLE).bos).toBeNull();
});
