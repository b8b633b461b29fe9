package albert.runtime.tokenization

/**
 * A text as SentencePiece normalizes it.
 *
 * @property codes the characters
 * @property origins the character of the given text that each of them came from, and one more entry for the end
 */
internal class NormalizedText(val codes: IntArray, val origins: IntArray)

/**
 * The normalization of SentencePiece: the rules of the charsmap, spaces, and the mark before the first word. The steps are
 * those of `Normalizer::Normalize` in google/sentencepiece (src/normalizer.cc).
 *
 * @param userDefined the user-defined pieces, which are left as they are
 */
internal class SentencePieceNormalizer(
    private val rules: DoubleArrayTrie?,
    private val userDefined: PieceTrie?,
    private val addDummyPrefix: Boolean,
    private val removeExtraWhitespaces: Boolean,
    escapeWhitespaces: Boolean,
    private val spacesAreSuffixes: Boolean,
) {
    private val space = if (escapeWhitespaces) WORD_START.code else ' '.code

    /** [codes] after normalization. */
    fun normalize(codes: IntArray): NormalizedText {
        val found = Output(codes.size + 2)
        val prefix = Prefix()
        var consumed = 0
        if (removeExtraWhitespaces) {
            while (consumed < codes.size) {
                prefix.read(codes, consumed)
                if (!prefix.isSpace()) break
                consumed += prefix.consumed
            }
        }
        if (consumed == codes.size) return NormalizedText(IntArray(0), intArrayOf(0))
        if (addDummyPrefix && !spacesAreSuffixes) found.add(space, consumed)
        var followsSpace = removeExtraWhitespaces
        while (consumed < codes.size) {
            prefix.read(codes, consumed)
            var place = 0
            while (followsSpace && place < prefix.size && prefix[place] == ' '.code) place++
            if (place < prefix.size) {
                for (index in place until prefix.size) found.add(if (prefix[index] == ' '.code) space else prefix[index], consumed)
                followsSpace = prefix[prefix.size - 1] == ' '.code
            }
            consumed += prefix.consumed
            if (!removeExtraWhitespaces) followsSpace = false
        }
        if (removeExtraWhitespaces) consumed = found.dropTrailing(space, consumed)
        if (addDummyPrefix && spacesAreSuffixes) found.add(space, consumed)
        return found.build(consumed)
    }

    /** What the beginning of a text becomes. */
    private inner class Prefix {
        private var replaced: IntArray? = null
        private var codes = IntArray(0)
        private var start = 0

        /** How many characters of the text it takes. */
        var consumed = 0
            private set

        val size: Int get() = replaced?.size ?: consumed

        operator fun get(index: Int): Int = replaced?.get(index) ?: codes[start + index]

        fun isSpace(): Boolean = size == 1 && this[0] == ' '.code

        fun read(text: IntArray, from: Int) {
            codes = text
            start = from
            replaced = null
            consumed = userDefined?.longest(text, from) ?: 0
            if (consumed > 0) return
            consumed = 1
            rules?.longest(text, from) { value, characters ->
                replaced = rules.replacement(value) ?: IntArray(0)
                consumed = characters
            }
        }
    }

    private class Output(capacity: Int) {
        private var codes = IntArray(capacity)
        private var origins = IntArray(capacity + 1)
        private var size = 0

        fun add(code: Int, origin: Int) {
            if (size == codes.size) {
                codes = codes.copyOf(size * 2)
                origins = origins.copyOf(size * 2 + 1)
            }
            codes[size] = code
            origins[size++] = origin
        }

        /** Drop every [space] at the end; returns where the first of them came from, or [consumed] if there is none. */
        fun dropTrailing(space: Int, consumed: Int): Int {
            var end = consumed
            while (size > 0 && codes[size - 1] == space) end = origins[--size]
            return end
        }

        fun build(end: Int): NormalizedText {
            origins[size] = end
            return NormalizedText(codes.copyOf(size), origins.copyOf(size + 1))
        }
    }
}
