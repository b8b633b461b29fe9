package albert.runtime.tokenization

/**
 * Makes sequences `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`. It never changes after construction. The twin of
 * `sequence_layout.py`.
 *
 * @property vocabulary the tokens and their ids
 * @property specialTokens the tokens that have a role
 * @property givesTokenTypeIds whether the second text of a pair has token type 1; if false, all types are 0
 */
abstract class SequenceLayout internal constructor(
    val vocabulary: Vocabulary, val specialTokens: SpecialTokens, val givesTokenTypeIds: Boolean,
) {
    /** The id of the padding token. */
    val padTokenId: Int = vocabulary.idOf(specialTokens.pad)

    /** The id of the unknown token. */
    val unkTokenId: Int = vocabulary.idOf(specialTokens.unk)

    /** The id of the token before all texts. */
    val clsTokenId: Int = vocabulary.idOf(specialTokens.cls)

    /** The id of the token behind each text. */
    val sepTokenId: Int = vocabulary.idOf(specialTokens.sep)

    /** The id of the mask. */
    val maskTokenId: Int = vocabulary.idOf(specialTokens.mask)

    /** The token before all texts, as a sequence of its own. */
    fun beginningOfSequence(sample: Int = 0): Encoding = Encoding.added(specialTokens.cls, clsTokenId, sample = sample)

    /** The token behind a text, as a sequence of its own; the text is the [second] one of a pair, if so said. */
    fun separator(second: Boolean = false): Encoding =
        Encoding.added(specialTokens.sep, sepTokenId, typeId = if (second && givesTokenTypeIds) 1 else 0)

    /** The sequence of one window, with [CLS] and [SEP] if [addSpecialTokens] is set. */
    internal fun layOut(first: Encoding, second: Encoding?, window: Window, addSpecialTokens: Boolean): Encoding {
        var sequence = first.part(window.first.first, window.first.last + 1)
        if (addSpecialTokens) sequence = beginningOfSequence(first.sample) + sequence + separator()
        if (second != null) {
            sequence += second.part(window.second.first, window.second.last + 1)
            if (addSpecialTokens) sequence += separator(second = true)
        }
        return sequence
    }

    /** `[CLS] ids [SEP]`, or `[CLS] ids [SEP] pairIds [SEP]`. */
    fun buildInputsWithSpecialTokens(ids: IntArray, pairIds: IntArray? = null): IntArray {
        val first = intArrayOf(clsTokenId) + ids + sepTokenId
        return if (pairIds == null) first else first + pairIds + sepTokenId
    }

    /** 1 for every special token of a whole sequence, 0 for the others. */
    fun getSpecialTokensMask(ids: IntArray): IntArray = IntArray(ids.size) { if (ids[it] in vocabulary.specialIds) 1 else 0 }
}
