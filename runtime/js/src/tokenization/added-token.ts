/** Tokens that are never split. */

/** A token that is never split. The fields are those of Hugging Face's AddedToken. */
export interface AddedToken {
	readonly content: string;
	/** null for the id of the piece with this content, or for the next free id if there is no such piece */
	readonly id: number | null;
	/** drop the white space on its left */
	readonly lstrip: boolean;
	/** drop the white space on its right */
	readonly rstrip: boolean;
	/** for a token that is not special: also keep its case when the text is lower-cased */
	readonly normalized: boolean;
	readonly special: boolean;
	/** only in a tokenizer.json: the token is found only where no letter is beside it */
	readonly singleWord: boolean;
}

/** An added token with the usual value for each field that is not given. */
export function addedToken(fields: Partial<AddedToken> & Pick<AddedToken, "content">): AddedToken {
	return {
		id: null,
		lstrip: false,
		rstrip: false,
		normalized: false,
		special: true,
		singleWord: false,
		...fields,
	};
}

/** Ids are below this; engines hold them in 32 bits. */
export const LARGEST_ID = 2 ** 31;

/** Whether `value` can be the content of a token. */
export function isContent(value: unknown): value is string {
	return typeof value === "string" && value.length > 0;
}

/** Whether `value` can be the id of a token. */
export function isId(value: unknown): value is number {
	return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < LARGEST_ID;
}
