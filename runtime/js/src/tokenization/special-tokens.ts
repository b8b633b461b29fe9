/** The tokens that have a role, such as the separator. */

/** The role, as tokenizer_config.json names it -> the token that has it in ALBERT's vocabularies of SentencePiece. */
export const TOKEN_OF_ROLE: ReadonlyMap<string, string> = new Map([
	["bos_token", "[CLS]"],
	["eos_token", "[SEP]"],
	["unk_token", "<unk>"],
	["sep_token", "[SEP]"],
	["pad_token", "<pad>"],
	["cls_token", "[CLS]"],
	["mask_token", "[MASK]"],
]);

/** The same for the vocabularies of WordPiece, which are BERT's. */
export const WORDPIECE_TOKEN_OF_ROLE: ReadonlyMap<string, string> = new Map([
	["unk_token", "[UNK]"],
	["sep_token", "[SEP]"],
	["pad_token", "[PAD]"],
	["cls_token", "[CLS]"],
	["mask_token", "[MASK]"],
]);

/** The tokens that have a role. Several roles may have the same token, as the separator and the end do. */
export class SpecialTokens {
	/**
	 * @param bos the beginning of a sequence in other models; ALBERT's sequences do not use it
	 * @param eos the end of a sequence in other models
	 */
	constructor(
		readonly pad: string,
		readonly unk: string,
		readonly cls: string,
		readonly sep: string,
		readonly mask: string,
		readonly bos: string | null,
		readonly eos: string | null,
	) {}

	/** The tokens of a map such as `TOKEN_OF_ROLE`. */
	static ofRoles(roles: ReadonlyMap<string, string>): SpecialTokens {
		const token = (role: string): string => {
			const found = roles.get(role);
			if (found === undefined) throw new TypeError(`no token has the role ${role}`);
			return found;
		};
		return new SpecialTokens(
			token("pad_token"),
			token("unk_token"),
			token("cls_token"),
			token("sep_token"),
			token("mask_token"),
			roles.get("bos_token") ?? null,
			roles.get("eos_token") ?? null,
		);
	}

	/** The token of each role that has one; the order is Hugging Face's. */
	get inOrderOfRoles(): string[] {
		return present([this.bos, this.eos, this.unk, this.sep, this.pad, this.cls, this.mask]);
	}

	/** Each token once: padding, unknown, beginning, separator and mask, as in ALBERT's vocabularies, and others. */
	get contents(): string[] {
		return [...new Set(present([this.pad, this.unk, this.cls, this.sep, this.mask, this.bos, this.eos]))];
	}
}

function present(tokens: readonly (string | null)[]): string[] {
	return tokens.filter((token) => token !== null);
}
