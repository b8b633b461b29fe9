/** Vocabulary: the pieces and the added tokens of one tokenizer, by content and by id. The twin of `vocabulary.py`. */

import { listed, UnsupportedError, UsageError } from "../errors";
import { strip } from "../white-space";
import { type AddedToken, addedToken } from "./added-token";
import { AddedVocabulary } from "./added-vocabulary";
import type { PieceModel } from "./piece-model";
import type { SpecialTokens } from "./special-tokens";
import { WordPieceModel } from "./wordpiece-model";

/** It never changes after construction. */
export class Vocabulary {
	/** finds the added tokens in texts */
	readonly added: AddedVocabulary;
	/** the ids of the tokens that have a role, and of the other special ones */
	readonly specialIds: ReadonlySet<number>;
	/** one more than the largest id */
	readonly size: number;
	/** the content of each token that is no piece -> its id, in the order of the ids */
	readonly beyondPieces: ReadonlyMap<string, number>;
	private readonly special: ReadonlySet<string>;
	private readonly idOfContent: ReadonlyMap<string, number>;
	private readonly contentOfId: ReadonlyMap<number, string>;
	/** Hugging Face decodes these with a space on both sides. */
	private readonly decodedAlone: ReadonlySet<string>;

	/** Throws an UnsupportedError if the id of an added token is that of a piece, or of another token. */
	constructor(
		private readonly model: PieceModel,
		roles: SpecialTokens,
		addedTokens: readonly AddedToken[],
		additionalSpecialTokens: readonly string[],
	) {
		const special = [...new Set([...roles.contents, ...additionalSpecialTokens])];
		const tokens = withIds(addedTokens, special, roles, model);
		const ids = tokens.map(({ content, id }) => [content, id as number] as const);
		this.added = new AddedVocabulary(tokens, special);
		this.special = new Set(special);
		this.idOfContent = new Map(ids);
		this.contentOfId = new Map([...this.idOfContent].map(([content, id]) => [id, content]));
		this.specialIds = new Set(special.map((content) => this.idOfContent.get(content) as number));
		this.decodedAlone = new Set(
			ids
				.filter(([content, id]) => !this.special.has(content) || (additionalSpecialTokens.includes(content) && id >= model.size))
				.map(([content]) => content),
		);
		const beyond = [...this.contentOfId.keys()].filter((id) => id >= model.size).sort((one, other) => one - other);
		this.beyondPieces = new Map(beyond.map((id) => [this.contentOfId.get(id) as string, id]));
		this.size = Math.max(model.size, (beyond.at(-1) ?? -1) + 1);
	}

	/** The ids of all tokens, in order. Usually there are no gaps. */
	get allIds(): number[] {
		return [...Array.from({ length: this.model.size }, (_, id) => id), ...this.beyondPieces.values()];
	}

	/** The id of `token`; the id of the unknown token if it is not in the vocabulary. */
	idOf(token: string): number {
		return this.idOfContent.get(token) ?? this.model.idOf(token);
	}

	/**
	 * The token of each id.
	 *
	 * @throws UsageError an id is not in the vocabulary
	 */
	tokensOf(ids: readonly number[]): string[] {
		const pieces = this.model.size;
		const isPiece = (id: number) => Number.isInteger(id) && id >= 0 && id < pieces;
		const foreign = [...new Set(ids.filter((id) => !isPiece(id) && !this.contentOfId.has(id)))].sort((one, other) => one - other);
		if (foreign.length) {
			const more = this.beyondPieces.size ? ` and ${this.beyondPieces.size} added tokens` : "";
			throw new UsageError(
				`token ids ${foreign.join(", ")} are not in the vocabulary of ${pieces} pieces (0 to ${pieces - 1})${more}`,
			);
		}
		return ids.map((id) => this.contentOfId.get(id) ?? this.model.pieceOf(id));
	}

	/** The text of `tokens`, as Hugging Face's slow tokenizer gives it. */
	decode(tokens: readonly string[], skipSpecialTokens: boolean): string {
		const texts: string[] = [];
		let together: string[] = [];
		for (const token of tokens) {
			if (skipSpecialTokens && this.special.has(token)) continue;
			if (!this.decodedAlone.has(token)) {
				together.push(token);
				continue;
			}
			const text = together.length ? this.spell(together) : "";
			if (text) texts.push(text);
			together = [];
			texts.push(token);
		}
		if (together.length) texts.push(this.spell(together));
		return texts.join(" ");
	}

	/** The text of pieces and special tokens. */
	private spell(tokens: readonly string[]): string {
		if (this.model instanceof WordPieceModel) return this.model.join(tokens);
		let text = "";
		let ordinary: string[] = [];
		let followsSpecial = false;
		for (const token of tokens) {
			if (this.special.has(token)) {
				// SentencePiece decodes a text without a space at its front, so one is added before the ordinary tokens that
				// precede a special token; Hugging Face writes no space between two special tokens.
				text += (followsSpecial ? "" : " ") + this.model.join(ordinary) + token;
				ordinary = [];
				followsSpecial = true;
			} else {
				ordinary.push(token);
				followsSpecial = false;
			}
		}
		return strip(text + this.model.join(ordinary));
	}
}

/**
 * `tokens`, and the `special` ones that are not among them, each with its id.
 *
 * A token without an id gets that of the piece with its content. If there is none, it gets the first id behind the number of
 * all pieces and tokens, and the next such token the id after that.
 */
function withIds(
	tokens: readonly AddedToken[],
	special: readonly string[],
	roles: SpecialTokens,
	model: PieceModel,
): AddedToken[] {
	const known = new Map(tokens.map((token) => [token.content, token]));
	// Hugging Face adds the tokens of roles in the order of the roles, and then the additional special tokens.
	for (const content of [...roles.inOrderOfRoles, ...special]) {
		if (known.has(content)) continue;
		known.set(content, addedToken({ content, lstrip: content === roles.mask && model.maskTakesSpace }));
	}
	let following = model.size;
	for (const { content, id } of known.values()) if (id !== undefined && !model.holds(content)) following++;
	const owners = new Map<number, string>();
	const problems: string[] = [];
	const found = [...known.values()].map((token) => {
		const { content } = token;
		const piece = model.holds(content) ? model.idOf(content) : undefined;
		const id = token.id ?? piece ?? following++;
		if (piece !== undefined && id !== piece) {
			problems.push(`${content} is token ${id} in tokenizer_config.json, and ${piece} in the vocabulary`);
		} else if (piece === undefined && id < model.size) {
			problems.push(`${content} is token ${id}, which is the piece ${model.pieceOf(id)}`);
		} else if (owners.has(id)) {
			problems.push(`${content} and ${owners.get(id)} are both token ${id}`);
		}
		owners.set(id, content);
		return { ...token, id };
	});
	if (problems.length) throw new UnsupportedError(listed("the added tokens don't fit the vocabulary:", problems));
	return found;
}
