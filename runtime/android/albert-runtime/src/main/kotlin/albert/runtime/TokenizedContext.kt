package albert.runtime

import albert.runtime.postprocessing.firstAbove
import albert.runtime.tokenization.AlbertTokenizer
import albert.runtime.tokenization.Encoding

/** The white space that Google's run_squad and Hugging Face's pipeline split a context at; U+202F is a no-break space. */
private const val WORD_BREAKS = " \t\r\n\u202f"

/**
 * A context and its tokens, as the second text of a pair and without special tokens around them. A context is tokenized
 * once, however many questions are asked about it. The twin of `contexts.py`.
 *
 * @property selectable whether an answer may start or end at the token. It may not at a special token: [SEP] and the like
 *   that are written in the text, and `<unk>`, which stands for what the vocabulary lacks.
 */
internal class TokenizedContext private constructor(
    val text: String, val encoding: Encoding, val selectable: BooleanArray,
) {
    /** The units (start, end) of each token. A bare "▁" has none: its start is its end. */
    val tokenSpans: Spans = Spans(encoding.starts, encoding.ends)

    /** The units (start, end) of the words that each token begins and ends in. */
    val wordSpans: Spans by lazy {
        val starts = mutableListOf<Int>()
        val ends = mutableListOf<Int>()
        text.forEachIndexed { place, sign ->
            if (sign in WORD_BREAKS) return@forEachIndexed
            if (place == 0 || text[place - 1] in WORD_BREAKS) starts += place
            if (place == text.length - 1 || text[place + 1] in WORD_BREAKS) ends += place + 1
        }
        val firsts = starts.toIntArray()
        // Before the first word there is none; the last one counts there, as in Python, where -1 is the last.
        fun word(unit: Int) = Math.floorMod(firstAbove(firsts, unit) - 1, firsts.size)
        Spans(
            IntArray(encoding.size) { firsts[word(encoding.starts[it])] },
            IntArray(encoding.size) { ends[word(maxOf(encoding.ends[it] - 1, encoding.starts[it]))] },
        )
    }

    /**
     * The sequences `[CLS] question [SEP] window [SEP]` whose windows cover the context, as run_squad makes them.
     *
     * @param question the tokens of the question, without special tokens around them
     * @param length the most tokens in a sequence; it leaves room for at least one token of the context
     * @param step the tokens between the beginnings of two neighbouring windows. If a window has room for fewer, the next
     *   window begins where it ends, so that no token is left out.
     */
    fun windows(question: Encoding, tokenizer: AlbertTokenizer, length: Int, step: Int): List<TextWindow> {
        val before = tokenizer.beginningOfSequence() + question + tokenizer.separator()
        val after = tokenizer.separator(second = true)
        val room = length - before.size - after.size
        val windows = mutableListOf<TextWindow>()
        var first = 0
        while (true) {
            val last = minOf(first + room, encoding.size)
            val sequence = before + encoding.part(first, last) + after
            windows += TextWindow(sequence, before.size, before.size + last - first, first)
            if (last == encoding.size) return windows
            first += minOf(step, room)
        }
    }

    companion object {
        /** Tokenize [text]. */
        fun of(text: String, tokenizer: AlbertTokenizer): TokenizedContext {
            val tokens = tokenizer.encode(text, options = WITHOUT_SPECIAL_TOKENS).single()
            val size = tokens.size
            val type = if (tokenizer.givesTokenTypeIds) 1 else 0
            val encoding = Encoding(
                ids = tokens.ids,
                typeIds = IntArray(size) { type },
                attentionMask = tokens.attentionMask,
                specialTokensMask = tokens.specialTokensMask,
                tokens = tokens.tokens,
                starts = tokens.starts,
                ends = tokens.ends,
                wordIds = tokens.wordIds,
                sequenceIds = IntArray(size) { 1 },
                sample = tokens.sample,
            )
            val special = tokenizer.vocabulary.specialIds
            return TokenizedContext(text, encoding, BooleanArray(size) { tokens.ids[it] !in special })
        }
    }
}

/** The units (start, end) of tokens. */
internal class Spans(val starts: IntArray, val ends: IntArray)
