/**
 * Reads which tokens were added to a vocabulary, from the files where Hugging Face's slow tokenizer reads it.
 *
 * tokenizer_config.json says it in "added_tokens_decoder". Older folders have no such table; there, the tokens are in
 * special_tokens_map.json, added_tokens.json and the "added_tokens" of tokenizer.json. The twin of `added_tokens_files.py`.
 */

import { repr } from "../repr";
import { strip } from "../white-space";
import { type AddedToken, addedToken, isContent, isId, LARGEST_ID } from "./added-token";
import { entriesOf, field, isObject, isTrue, type JsonObject, type TokenizerFiles } from "./tokenizer-file";

export const TOKENS_TABLE = "added_tokens_decoder";
const ADDITIONAL = "additional_special_tokens";
const EXTRA = "extra_special_tokens";

/** What the files of one bundle say about tokens. */
export interface TokenFiles {
	/** role -> its token */
	roles: ReadonlyMap<string, string>;
	/** the tokens that have a role and the added tokens, in the order in which Hugging Face's tokenizer has them */
	tokens: readonly AddedToken[];
	/** the tokens that are special besides those that have a role */
	additional: readonly string[];
	/** what of it is not supported */
	problems: readonly string[];
}

/**
 * The tokens of the tokenizer in `files`.
 *
 * @param settings the content of tokenizer_config.json
 * @param usual role -> the token that has it if the files do not say
 * @param maskTakesSpace whether a mask that is written in a text includes the space on its left, if the files do not say
 */
export function readTokens(
	settings: JsonObject,
	files: TokenizerFiles,
	usual: ReadonlyMap<string, string>,
	maskTakesSpace: boolean,
): TokenFiles {
	return new TokenFilesReader(settings, files, usual).read(maskTakesSpace);
}

class TokenFilesReader {
	private readonly problems: string[] = [];

	constructor(
		private settings: JsonObject,
		private readonly files: TokenizerFiles,
		private readonly usual: ReadonlyMap<string, string>,
	) {}

	read(maskTakesSpace: boolean): TokenFiles {
		const hasTable = Object.hasOwn(this.settings, TOKENS_TABLE);
		const { stated, described } = hasTable ? this.tokensInTable() : this.tokensInOlderFiles();
		const roles = this.roles(true);
		const taken = new Set<unknown>(roles.values());
		const additional = this.additional(this.settings, true).filter((one) => !taken.has(contentOf(one)));
		const mask = maskTakesSpace ? roles.get("mask_token") : undefined;
		const ofRoles = this.roleTokens(roles, described, mask);
		const extra = additional.map((one): Stated => [contentOf(one) as string, isObject(one) ? this.flagged(one) : undefined]);
		const tokens = withRoles(stated, [...ofRoles, ...extra]);
		this.problems.push(...contradictions(tokens));
		const contents = [...new Set(additional.map((one) => contentOf(one) as string))];
		return { roles, tokens, additional: contents, problems: this.problems };
	}

	private tokensInTable(): { stated: AddedToken[]; described: AddedToken[] } {
		const table = field(this.settings, TOKENS_TABLE);
		const rows = isObject(table) ? entriesOf(table) : [];
		const wrong = rows.some(
			([id, record]) => !/^[+-]?\d+$/.test(strip(id)) || !(typeof record === "string" || isObject(record)),
		);
		if (!isObject(table) || wrong) {
			this.problems.push(`${TOKENS_TABLE} must be a table of ids and tokens`);
			return { stated: [], described: [] };
		}
		const stated = rows.flatMap(([id, record]) => this.token(record, Number(strip(id))));
		return { stated, described: stated };
	}

	private tokensInOlderFiles(): { stated: AddedToken[]; described: AddedToken[] } {
		// Hugging Face does not read this file if there is a table.
		this.settings = this.withSpecialTokensMap(this.files.file("special_tokens_map.json").readObject());
		const special = new Set<unknown>([...this.additional(this.settings, false).map(contentOf), ...this.roles(false).values()]);
		const added = entriesOf(this.files.file("added_tokens.json").readObject()).flatMap(([content, id]) => {
			const isSpecial = special.has(content);
			return this.valid(content, id, addedToken({ content, normalized: !isSpecial, special: isSpecial }));
		});
		const inJson = field(this.files.file("tokenizer.json").readObject(), "added_tokens");
		const records = this.records(inJson, "added_tokens in tokenizer.json", true).filter(isObject);
		const described = records.flatMap((record) => this.token(record, field(record, "id")));
		const stated = new Map([...added, ...described].map((one) => [`${one.id} ${one.content}`, one]));
		return { stated: [...stated.values()], described };
	}

	/** The settings with the roles and the additional special tokens of special_tokens_map.json. */
	private withSpecialTokensMap(map: JsonObject): JsonObject {
		const tokens = this.additional(this.settings, true);
		const known = new Set(tokens.map(contentOf));
		const more = this.additional(map, true).filter((one) => !known.has(contentOf(one)));
		return { ...this.settings, ...map, [ADDITIONAL]: [...tokens, ...more], [EXTRA]: [] };
	}

	/** The additional special tokens. transformers 5 calls them "extra"; before, a table of attributes had this name. */
	private additional(from: JsonObject, reports: boolean): unknown[] {
		const extra = field(from, EXTRA);
		return [
			...this.records(field(from, ADDITIONAL), ADDITIONAL, reports),
			...this.records(isObject(extra) ? entriesOf(extra).map(([, one]) => one) : extra, EXTRA, reports),
		];
	}

	/** The tokens in a list, each a string or an object with a text as its `content`; null is an empty list. */
	private records(value: unknown, name: string, reports: boolean): unknown[] {
		if (value === undefined || value === null) return [];
		if (Array.isArray(value) && value.every((one) => typeof contentOf(one) === "string")) return value;
		if (reports) this.problems.push(`${name} must be a list of tokens`);
		return [];
	}

	/** The token that `record` describes, with `id`; none, and a problem, if its content or its id can't be one. */
	private token(record: unknown, id: unknown): AddedToken[] {
		return this.valid(contentOf(record), id, this.flagged(record));
	}

	private valid(content: unknown, id: unknown, flags: AddedToken): AddedToken[] {
		if (!isContent(content)) {
			this.problems.push(`an added token is ${repr(content)}, and must be a text`);
			return [];
		}
		if (id !== undefined && id !== null && !isId(id)) {
			this.problems.push(`${content} has the id ${repr(id)}, and must have a whole number below ${LARGEST_ID}`);
			return [];
		}
		return [{ ...flags, content, id: isId(id) ? id : undefined }];
	}

	/** A token with the flags of `record`, which is a string, or an object with the fields of Hugging Face's AddedToken. */
	private flagged(record: unknown): AddedToken {
		const fields = isObject(record) ? record : {};
		if (isTrue(field(fields, "single_word"))) {
			this.problems.push(`${contentOf(record)} has single_word, so that it is found only between spaces, which is not supported`);
		}
		const content = contentOf(record);
		const special = isTrue(field(fields, "special"));
		return addedToken({
			content: typeof content === "string" ? content : "",
			lstrip: isTrue(field(fields, "lstrip")),
			rstrip: isTrue(field(fields, "rstrip")),
			normalized: Object.hasOwn(fields, "normalized") ? isTrue(fields.normalized) : !special,
			special,
		});
	}

	/** Role -> its token; the beginning and the end of a sequence may be set although they are not usual. */
	private roles(reports: boolean): Map<string, string> {
		const found = new Map<string, string>();
		for (const role of new Set(["bos_token", "eos_token", ...this.usual.keys()])) {
			const content = contentOf(field(this.settings, role));
			if (reports && content !== undefined && content !== null && typeof content !== "string") {
				this.problems.push(`${role} is ${repr(content)}, and must be a text`);
			}
			const token = (typeof content === "string" && content) || this.usual.get(role);
			if (token) found.set(role, token);
		}
		return found;
	}

	/** The content of the token of each role, once, and its flags if the settings state them. */
	private roleTokens(roles: ReadonlyMap<string, string>, described: AddedToken[], takingSpace: string | undefined): Stated[] {
		const flags = new Map(described.map((one) => [one.content, one]));
		const found = new Map<string, AddedToken | undefined>();
		for (const [role, content] of roles) {
			if (found.has(content)) continue; // [CLS] and [SEP] have two roles each; the first one counts
			const given = field(this.settings, role);
			const isGiven = given !== undefined && given !== null;
			if (isGiven && flags.has(content)) found.set(content, flags.get(content));
			else if (isObject(given)) found.set(content, { ...this.flagged(given), content });
			else found.set(content, content === takingSpace ? addedToken({ content, lstrip: true }) : undefined);
		}
		return [...found];
	}
}

/** The content of a token, and its flags if they are stated. */
type Stated = [string, AddedToken | undefined];

/** The text of a token, which is written either as a string or as an object with `content`. */
function contentOf(token: unknown): unknown {
	return isObject(token) ? field(token, "content") : token;
}

/** `stated` with the special tokens. The flags of a special token replace those that are stated for it. */
function withRoles(stated: readonly AddedToken[], special: readonly Stated[]): AddedToken[] {
	const tokens = [...stated];
	const places = new Map(tokens.map((token, place) => [token.content, place]));
	for (const [content, flags] of special) {
		const place = places.get(content);
		if (place === undefined) {
			places.set(content, tokens.length);
			tokens.push(flags === undefined ? addedToken({ content }) : { ...flags, special: true });
		} else if (flags !== undefined) {
			tokens[place] = { ...flags, id: tokens[place]?.id, special: true };
		}
	}
	return tokens;
}

/** What keeps the tokens from having one content and one id each. */
function contradictions(tokens: readonly AddedToken[]): string[] {
	const problems: string[] = [];
	const contents = new Map<string, number | undefined>();
	const owners = new Map<number, string>();
	for (const { content, id } of tokens) {
		if (contents.has(content)) problems.push(`${content} is token ${repr(contents.get(content))} and token ${repr(id)}`);
		contents.set(content, id);
		if (id === undefined) continue;
		const owner = owners.get(id) ?? content;
		owners.set(id, owner);
		if (owner !== content) problems.push(`token ${id} is ${owner} and ${content}`);
	}
	return problems;
}
