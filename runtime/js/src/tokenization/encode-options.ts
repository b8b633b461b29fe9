/** How `AlbertTokenizer.encode` makes sequences of a text or a pair. */
export interface EncodeOptions {
	/** make sequences `[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`. If false, the second text directly follows the first and all type ids are 0, as in Hugging Face's tokenizer. */
	addSpecialTokens?: boolean;
	/** cut sequences to `maxLength` tokens: "longest_first" cuts the longer text of a pair first, "only_first" and "only_second" cut only that text. If not given, nothing is cut, and `maxLength` is used only for `padding`. */
	truncation?: string;
	/** the most tokens in a sequence, special tokens included; the tokenizer's own limit if not given */
	maxLength?: number;
	/** the tokens that two neighbouring windows share */
	stride?: number;
	/** return what is cut as further windows. For pairs this needs "only_first" or "only_second", and the other text is repeated in each window. */
	returnOverflowingTokens?: boolean;
	/** "longest" pads to the longest sequence of the call, "max_length" to `maxLength` */
	padding?: string;
	/** round the padded length up to a multiple of this */
	padToMultipleOf?: number;
}
