package albert.runtime.tokenization

// The normalization of a text before WordPiece splits its words. The steps and their order are those of `BasicTokenizer` in
// Google's BERT (tokenization.py) and in Hugging Face's slow `BertTokenizer` (transformers 4.57). The twin of
// `bert_normalizer.py`.

/** The blocks of Chinese characters; kana and Hangul are not among them. */
private val CHINESE_BLOCKS = listOf(
    0x4E00..0x9FFF, 0x3400..0x4DBF, 0x20000..0x2A6DF, 0x2A700..0x2B73F, 0x2B740..0x2B81F, 0x2B820..0x2CEAF, 0xF900..0xFAFF,
    0x2F800..0x2FA1F,
)
private val SPACE = intArrayOf(' '.code)
private val NOTHING = IntArray(0)

/** Whether the character is in one of the Chinese blocks of BERT. */
internal fun isChinese(code: Int): Boolean = code >= 0x3400 && CHINESE_BLOCKS.any { code in it }

/** Whether the character is a word of its own: Unicode's punctuation, and all symbols of ASCII, such as "$". */
internal fun isPunctuation(code: Int): Boolean {
    if (code < 0x80) return code in 0x21..0x7E && !Character.isLetterOrDigit(code)
    return when (category(code)) {
        Character.CONNECTOR_PUNCTUATION, Character.DASH_PUNCTUATION, Character.START_PUNCTUATION, Character.END_PUNCTUATION,
        Character.INITIAL_QUOTE_PUNCTUATION, Character.FINAL_QUOTE_PUNCTUATION, Character.OTHER_PUNCTUATION,
        -> true
        else -> false
    }
}

/** The character between spaces. */
internal fun apart(code: Int): IntArray = intArrayOf(' '.code, code, ' '.code)

/**
 * Normalizes texts by the options of a BertTokenizer, so that there is white space between all words.
 *
 * @param stripAccents null for the value of [doLowerCase]. Voiced kana and Hangul lose their sound mark and their syllables,
 *   too.
 * @param tokenizeChineseChars make each Chinese character a word
 * @param neverSplit the words that are left as they are: the special tokens. One that is written in a text is found before,
 *   but "[MA\u200bSK]" becomes one only when control characters are dropped.
 */
internal class BertNormalizer(
    private val doLowerCase: Boolean,
    private val stripAccents: Boolean?,
    private val tokenizeChineseChars: Boolean,
    private val neverSplit: Set<String> = emptySet(),
) : TextNormalizer {
    /** The same normalizer with other words that are left as they are. */
    fun keeping(words: Set<String>) = BertNormalizer(doLowerCase, stripAccents, tokenizeChineseChars, words)

    /**
     * [text] with spaces around Chinese characters and punctuation, in NFC, without control characters. As the options say,
     * it is in lower case, and without accents.
     */
    override fun normalize(text: AlignedText): AlignedText {
        val cleaned = text.mapCharacters(::clean).compose()
        return outsideKeptWords(outsideKeptWords(cleaned, ::change)) { part ->
            part.mapCharacters { if (isPunctuation(it)) apart(it) else null }
        }
    }

    /** A space for white space; nothing for a control character, one that is not assigned, or U+FFFD. */
    private fun clean(code: Int): IntArray? {
        if (code == ' '.code) return null
        if (code == '\t'.code || code == '\n'.code || code == '\r'.code) return SPACE
        if (code == REPLACEMENT || isOther(code)) return NOTHING
        if (category(code) == Character.SPACE_SEPARATOR) return SPACE
        return if (tokenizeChineseChars && isChinese(code)) apart(code) else null
    }

    private fun change(text: AlignedText): AlignedText {
        // The final sigma depends on the word alone, as white space ends what `lower` looks at.
        val lower = if (doLowerCase) text.lower() else text
        // Decomposing one character at a time gives the same as decomposing the whole word: after NFC, the marks that are kept
        // are in their order already.
        return if (stripAccents ?: doLowerCase) lower.mapCharacters(::withoutMarks) else lower
    }

    /** [text] after [step], which leaves the words of [neverSplit] as they are. */
    private inline fun outsideKeptWords(text: AlignedText, step: (AlignedText) -> AlignedText): AlignedText {
        val kept = words(text.codes).filter { (start, end) -> textOf(text.codes, start, end) in neverSplit }
        if (kept.isEmpty()) return step(text)
        val parts = ArrayList<AlignedText>()
        var end = 0
        for ((start, stop) in kept) {
            parts += step(text.part(end, start))
            parts += text.part(start, stop)
            end = stop
        }
        return AlignedText.joined(parts + step(text.part(end, text.size)))
    }
}

/** Start and end of each run of characters that are no white space. */
internal fun words(codes: IntArray): List<Pair<Int, Int>> {
    val found = ArrayList<Pair<Int, Int>>()
    var start = -1
    for (place in 0..codes.size) {
        val inWord = place < codes.size && !isSpace(codes[place])
        if (inWord && start < 0) start = place
        if (!inWord && start >= 0) {
            found += Pair(start, place)
            start = -1
        }
    }
    return found
}
