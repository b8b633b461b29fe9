package albert.runtime.tokenization

/**
 * One sequence of tokens: a text or a pair of texts, complete or one window of it. All arrays have the same length.
 *
 * A token that the tokenizer added ([CLS], [SEP], padding) has 1 in [specialTokensMask], the span 0 to 0, and -1 as its
 * word and its sequence. A special token that is written in the text is a token of that text. The twin of
 * `encoding.py`; spans count UTF-16 units here, so that `text.substring(starts[i], ends[i])` works. The arrays are not
 * copied, so don't change them.
 *
 * @property typeIds 0 for the first text with its [CLS] and [SEP] and for padding, 1 for the second text with its [SEP];
 *   0 for both texts if no special tokens were added
 * @property attentionMask 0 for padding, 1 otherwise
 * @property starts where each token begins in the text that the caller gave, in UTF-16 units; the space before a word is
 *   not part of the word
 * @property ends where each token ends
 * @property wordIds the number of the word in its text, counted from 0: a token that begins with "▁" starts a word, and a
 *   special token written in the text is a word of its own
 * @property sequenceIds 0 for the first text, 1 for the second
 * @property sample the index of the text (or pair) that this sequence or window was made from
 */
class Encoding(
    val ids: IntArray,
    val typeIds: IntArray,
    val attentionMask: IntArray,
    val specialTokensMask: IntArray,
    val tokens: List<String>,
    val starts: IntArray,
    val ends: IntArray,
    val wordIds: IntArray,
    val sequenceIds: IntArray,
    val sample: Int = 0,
) {
    /** The number of tokens. */
    val size: Int get() = ids.size

    /** The tokens of this sequence and then those of [other]; the sample is that of this sequence. */
    operator fun plus(other: Encoding): Encoding = Encoding(
        ids + other.ids,
        typeIds + other.typeIds,
        attentionMask + other.attentionMask,
        specialTokensMask + other.specialTokensMask,
        tokens + other.tokens,
        starts + other.starts,
        ends + other.ends,
        wordIds + other.wordIds,
        sequenceIds + other.sequenceIds,
        sample,
    )

    /** The tokens with the positions [first] until [last], which is exclusive. */
    fun part(first: Int, last: Int): Encoding = Encoding(
        ids.copyOfRange(first, last),
        typeIds.copyOfRange(first, last),
        attentionMask.copyOfRange(first, last),
        specialTokensMask.copyOfRange(first, last),
        tokens.subList(first, last).toList(),
        starts.copyOfRange(first, last),
        ends.copyOfRange(first, last),
        wordIds.copyOfRange(first, last),
        sequenceIds.copyOfRange(first, last),
        sample,
    )

    /** The sequence with padding on the right up to [length] tokens; unchanged if it is already that long. */
    fun padded(length: Int, padToken: String, padTokenId: Int): Encoding =
        if (length <= size) this else this + added(padToken, padTokenId, count = length - size, attention = 0)

    override fun toString(): String = "Encoding(tokens=$tokens, ids=${ids.toList()})"

    companion object {
        /** A sequence of [count] times a token that stands for no text. */
        fun added(
            token: String, tokenId: Int, count: Int = 1, typeId: Int = 0, attention: Int = 1, sample: Int = 0,
        ): Encoding = Encoding(
            IntArray(count) { tokenId },
            IntArray(count) { typeId },
            IntArray(count) { attention },
            IntArray(count) { 1 },
            List(count) { token },
            IntArray(count),
            IntArray(count),
            IntArray(count) { -1 },
            IntArray(count) { -1 },
            sample,
        )
    }
}
