package albert.runtime.tokenization

/**
 * How [AlbertTokenizer.encode] makes sequences of a text or a pair.
 *
 * @property addSpecialTokens make sequences `[CLS] A [SEP]` or `[CLS] A [SEP] B [SEP]`. If false, the second text directly
 *   follows the first and all type ids are 0, as in Hugging Face's tokenizer.
 * @property truncation cut sequences to [maxLength] tokens: "longest_first" cuts the longer text of a pair first,
 *   "only_first" and "only_second" cut only that text. If null, nothing is cut, and [maxLength] is used only for [padding].
 * @property maxLength the most tokens in a sequence, special tokens included; null for the tokenizer's own limit
 * @property stride the tokens that two neighbouring windows share
 * @property returnOverflowingTokens return what is cut as further windows. For pairs this needs "only_first" or
 *   "only_second", and the other text is repeated in each window.
 * @property padding "longest" pads to the longest sequence of the call, "max_length" to [maxLength]; null does not pad
 * @property padToMultipleOf round the padded length up to a multiple of this
 */
data class EncodeOptions(
    val addSpecialTokens: Boolean = true,
    val truncation: String? = null,
    val maxLength: Int? = null,
    val stride: Int = 0,
    val returnOverflowingTokens: Boolean = false,
    val padding: String? = null,
    val padToMultipleOf: Int? = null,
)
