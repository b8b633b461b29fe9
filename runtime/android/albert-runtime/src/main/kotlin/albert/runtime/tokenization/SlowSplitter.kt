package albert.runtime.tokenization

/** What splits a text into pieces. */
internal fun interface TextSplitter {
    /** The pieces of each added token and of each part between two of them, in order. */
    fun sections(text: String): List<List<Piece>>
}

/**
 * Splits texts into pieces in the steps of Hugging Face's slow tokenizers: separates the added tokens first, then normalizes
 * and splits the parts between them. The twin of `slow_splitter.py`.
 */
internal class SlowSplitter(
    private val added: AddedVocabulary,
    private val normalizer: TextNormalizer,
    private val model: PieceModel,
    private val doLowerCase: Boolean,
) : TextSplitter {
    override fun sections(text: String): List<List<Piece>> = added.split(text, doLowerCase).map { part ->
        val token = added.tokenOf(part)
        if (token != null) listOf(Piece(token.content, part.starts.first(), part.ends.last()))
        else model.split(normalizer.normalize(part))
    }
}
