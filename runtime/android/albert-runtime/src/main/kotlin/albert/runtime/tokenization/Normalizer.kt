package albert.runtime.tokenization

// The normalization of a text before SentencePiece splits it. The steps and their order are those of `preprocess_text` in
// Google's ALBERT (tokenization.py) and of Hugging Face's slow `AlbertTokenizer`. The twin of `normalizer.py`.

/** Prepares a text for a [PieceModel]. */
internal fun interface TextNormalizer {
    /** [text] as the model expects it. */
    fun normalize(text: AlignedText): AlignedText
}

/** Normalizes texts by the three options of an ALBERT tokenizer. */
internal class Normalizer(
    private val doLowerCase: Boolean, private val removeSpace: Boolean, private val keepAccents: Boolean,
) : TextNormalizer {
    /** [text] with plain quotes and, as the options say, squeezed white space, no accents, and in lower case. */
    override fun normalize(text: AlignedText): AlignedText {
        var found = if (removeSpace) text.squeezeSpaces() else text
        for (quote in QUOTES) found = found.mergePairs(quote.code, '"'.code)
        // Decomposing one character at a time gives the same as decomposing the whole text: NFKD reorders only combining marks,
        // and all of them are dropped.
        if (!keepAccents) found = found.mapCharacters(::withoutAccents)
        return if (doLowerCase) found.lower() else found
    }

    private companion object {
        const val QUOTES = "`'"
    }
}
