package albert.runtime.tokenization

/** Splits a normalized text into the pieces of a SentencePiece model; each kind of model has its own. */
internal interface PieceEncoder {
    /** The ids of the pieces of [codes], and where each of them begins and ends, from the last to the first. */
    fun encode(codes: IntArray, found: (id: Int, start: Int, end: Int) -> Unit)
}
