/** The special tokens and the tokens that were added to a vocabulary. */

import type { AddedToken } from "./added-token";
import { AlignedText } from "./aligned-text";
import { Alternatives } from "./alternatives";
import { codePoints, lowerCase } from "./characters";
import { TokenTrie } from "./token-trie";

/** So many tokens, or fewer, are looked for one by one; more of them by the trie. */
const FEW_TOKENS = 64;

/**
 * The special tokens and the tokens that were added to a vocabulary, found as Hugging Face's slow tokenizer does. It never
 * changes after construction. The twin of `added_vocabulary.py`.
 */
export class AddedVocabulary {
	/** The contents of the tokens that have a role, or are additional special tokens. */
	readonly special: ReadonlySet<string>;
	private readonly byContent: ReadonlyMap<string, AddedToken>;
	private readonly keepsCase: Alternatives;
	private readonly trie: TokenTrie | null;
	private readonly any: Alternatives;
	private readonly longest: number;

	/** @param special the contents of those that have a role, or are additional special tokens */
	constructor(
		readonly tokens: readonly AddedToken[],
		special: readonly string[],
	) {
		this.special = new Set(special);
		this.byContent = new Map(tokens.map((token) => [token.content, token]));
		const sizes = new Map([...this.byContent.keys()].map((content) => [content, codePoints(content).length]));
		const longestFirst = [...sizes].sort(([, one], [, other]) => other - one);
		this.longest = longestFirst[0]?.[1] ?? 0;
		// The order is that of Hugging Face, where the first alternative that matches is taken.
		const normalized = tokens.filter((token) => !token.special && token.normalized);
		this.keepsCase = new Alternatives([...special, ...normalized.map((token) => token.content)]);
		this.any = new Alternatives(longestFirst.map(([content]) => content));
		const trie = new TokenTrie(sizes.keys());
		this.trie = sizes.size > FEW_TOKENS || trie.overlaps(sizes.keys()) ? trie : null;
	}

	/** Whether `content` is that of a token. */
	contains(content: string): boolean {
		return this.byContent.has(content);
	}

	/** The token that `text` is; null if it is none. */
	tokenOf(text: AlignedText): AddedToken | null {
		return text.size > this.longest ? null : (this.byContent.get(text.text) ?? null);
	}

	/**
	 * The tokens in `text` and the parts between them, in order; no part is empty. White space beside a token is dropped as
	 * its flags say. If `doLowerCase` is set, the parts are in lower case.
	 */
	split(text: string, doLowerCase: boolean): AlignedText[] {
		const aligned = AlignedText.of(text);
		const parts = this.cut(doLowerCase ? this.lower(aligned) : aligned);
		// A part that loses white space may become equal to a token, or a token may cease to be one, before the loop comes to
		// it. So does it in Hugging Face's tokenizer.
		for (let index = 0; index < parts.length; index++) {
			const token = this.tokenOf(parts[index] as AlignedText);
			if (token === null) continue;
			const [before, after] = [parts[index - 1], parts[index + 1]];
			if (token.rstrip && after !== undefined) parts[index + 1] = after.stripStart();
			if (token.lstrip && before !== undefined) parts[index - 1] = before.stripEnd();
		}
		return parts.filter((part) => part.size > 0);
	}

	/**
	 * `text` in lower case, except for the tokens that keep their case. Hugging Face lower-cases each character by itself
	 * before it looks for tokens. Therefore "<PAD>" is one, and a capital sigma never becomes a final sigma.
	 */
	private lower(text: AlignedText): AlignedText {
		const parts: AlignedText[] = [];
		let end = 0;
		for (const match of this.keepsCase.findAll(text.codes)) {
			parts.push(text.part(end, match.start).mapCharacters(lowerCase), text.part(match.start, match.end));
			end = match.end;
		}
		const rest = text.part(end, text.size).mapCharacters(lowerCase);
		return parts.length === 0 ? rest : AlignedText.joined([...parts, rest]);
	}

	private cut(text: AlignedText): AlignedText[] {
		const parts: AlignedText[] = [];
		let start = 0;
		const cutAt = (end: number): void => {
			if (end <= start) return;
			parts.push(text.part(start, end));
			start = end;
		};
		if (this.trie !== null) for (const end of this.trie.cuts(text.codes)) cutAt(end);
		else {
			for (const match of this.any.findAll(text.codes)) {
				cutAt(match.start);
				cutAt(match.end);
			}
		}
		cutAt(text.size);
		return parts;
	}
}
