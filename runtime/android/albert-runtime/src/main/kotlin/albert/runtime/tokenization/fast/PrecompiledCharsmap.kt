package albert.runtime.tokenization.fast

import albert.runtime.UnsupportedError
import albert.runtime.tokenization.AlignedText
import albert.runtime.tokenization.DoubleArrayTrie
import albert.runtime.tokenization.TextNormalizer
import albert.runtime.tokenization.category
import albert.runtime.tokenization.isMark
import albert.runtime.tokenization.utf8Size

/** A sequence of characters is looked up as a whole only if it has fewer bytes than this. */
private const val LONGEST_SEQUENCE = 6

/**
 * The normalization rules of SentencePiece, as a tokenizer.json holds and Hugging Face's `Precompiled` normalizer applies
 * them: a short sequence of a character and its marks is looked up first, and the rule of its shortest beginning replaces all
 * of it; after that, each character is looked up by itself. SentencePiece takes the longest rule at each place. The twin of
 * `fast/precompiled_charsmap.py`.
 *
 * @param encoded the rules in base64
 */
internal class PrecompiledCharsmap(encoded: String) : TextNormalizer {
    private val rules: DoubleArrayTrie

    init {
        val content = decodeBase64(encoded) ?: throw UnsupportedError("precompiled_charsmap is damaged (it is not in base64)")
        rules = DoubleArrayTrie.of(content)
            ?: throw UnsupportedError("precompiled_charsmap is damaged: it does not hold a trie and its replacements")
    }

    /** [text] with every rule applied once. */
    override fun normalize(text: AlignedText): AlignedText {
        val codes = text.codes
        val found = AlignedText.Builder(text.size)
        fun replace(begin: Int, stop: Int, replacement: IntArray) {
            if (replacement.isEmpty()) found.extend(text.ends[stop - 1]) // what is dropped belongs to the character before it
            for (code in replacement) found.add(code, text.starts[begin], text.ends[stop - 1])
        }
        var start = 0
        while (start < codes.size) {
            val end = sequenceEnd(codes, start)
            val whole = if (end > start + 1) replacement(codes.copyOfRange(start, end)) else null
            if (whole != null) {
                replace(start, end, whole)
            } else {
                for (place in start until end) {
                    val one = intArrayOf(codes[place])
                    replace(place, place + 1, replacement(one) ?: one)
                }
            }
            start = end
        }
        return found.build()
    }

    private fun replacement(codes: IntArray): IntArray? =
        rules.shortest(codes).let { if (it < 0) null else rules.replacement(it) }

    /** The end of the sequence at [start] if it is short enough to be looked up: a character and its marks. */
    private fun sequenceEnd(codes: IntArray, start: Int): Int {
        if (codes[start] == '\r'.code && start + 1 < codes.size && codes[start + 1] == '\n'.code) return start + 2
        if (standsAlone(codes[start])) return start + 1
        var end = start + 1
        var bytes = utf8Size(codes[start])
        while (end < codes.size && joins(codes[end])) bytes += utf8Size(codes[end++])
        return if (bytes >= LONGEST_SEQUENCE) start + 1 else end
    }

    private companion object {
        /** Whether marks do not join the character: control characters, and the ends of lines and paragraphs. */
        fun standsAlone(code: Int): Boolean = when (category(code)) {
            Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> true
            else -> false
        }

        /** Whether a character forms one sequence with the one before it (approximates Unicode's grapheme clusters). */
        fun joins(code: Int): Boolean = code >= 0x300 && (isMark(code) || code == 0x200C || code == 0x200D)
    }
}
