package albert.runtime.tokenization

import albert.runtime.PythonText
import albert.runtime.UsageError

/** The strategies of truncation. */
internal val STRATEGIES = listOf("longest_first", "only_first", "only_second")

/** The tokens in one sequence: the positions [first] of the first text, and [second] of the second text. */
class Window(val first: IntRange, val second: IntRange)

/**
 * A truncation strategy of Hugging Face's tokenizers, which cuts on the right. The twin of `truncation.py`.
 *
 * With [overflow], the tokens that do not fit go into further windows of the text that is cut. Each window begins [stride]
 * tokens before the end of the previous one, until the last token is in a window.
 *
 * @property strategy "longest_first", "only_first" or "only_second"
 */
class Truncation(val strategy: String, val stride: Int = 0, val overflow: Boolean = false) {
    init {
        if (stride < 0) throw UsageError("stride=$stride is not a number of tokens; it must be 0 or more")
    }

    /**
     * The windows of a text or of a pair of texts, each with at most [room] tokens.
     *
     * @param first the number of tokens in the first text
     * @param second the number of tokens in the second text; null if there is none
     * @param room the most tokens that both may have together; null for no limit
     * @throws UsageError the strategy can't make the texts short enough
     */
    fun windows(first: Int, second: Int?, room: Int?): List<Window> {
        if (room == null || first + (second ?: 0) <= room) return listOf(Window(0 until first, 0 until (second ?: 0)))
        if (second == null) return slide(first, room).map { Window(it, 0 until 0) }
        if (strategy == "longest_first") return listOf(cutLongest(first, second, first + second - room))
        if (strategy == "only_first") {
            checkRoom("first", first, "second", second, room)
            return slide(first, room - second).map { Window(it, 0 until second) }
        }
        checkRoom("second", second, "first", first, room)
        return slide(second, room - first).map { Window(0 until first, it) }
    }

    /** The windows of [size] tokens over [length] tokens; without [overflow], only the first one. */
    private fun slide(length: Int, size: Int): List<IntRange> {
        if (!overflow) return listOf(0 until size)
        if (stride >= size) {
            throw UsageError(
                "stride=$stride does not move a window that has room for $size tokens of the text; " +
                    "choose a stride below $size, or a larger max_length",
            )
        }
        return (0 until length - stride step size - stride).map { it until minOf(it + size, length) }
    }

    private fun checkRoom(cut: String, length: Int, kept: String, keptLength: Int, room: Int) {
        if (keptLength < room) return
        throw UsageError(
            "the $kept text alone has $keptLength tokens and there is room for $room, so that cutting the $cut one " +
                "($length tokens) can't help; shorten the $kept text, raise max_length, or use 'longest_first'",
        )
    }

    /**
     * Cut the longer text to the length of the other one, then both equally. If the number of tokens to cut from both is odd,
     * the second text loses one more.
     */
    private fun cutLongest(first: Int, second: Int, excess: Int): Window {
        val toEqual = minOf(Math.abs(first - second), excess)
        val half = (excess - toEqual) / 2
        val rest = (excess - toEqual + 1) / 2
        return if (first > second) Window(0 until first - toEqual - half, 0 until second - rest)
        else Window(0 until first - half, 0 until second - toEqual - rest)
    }
}

/** The strategy that [options] ask for; null for no truncation. */
internal fun truncationStrategy(options: EncodeOptions, hasPair: Boolean): String? {
    val strategy = options.truncation ?: return null
    if (strategy !in STRATEGIES) {
        throw UsageError(
            "truncation=${PythonText.repr(strategy)} is unknown; choose null, ${STRATEGIES.joinToString(", ") { "'$it'" }}",
        )
    }
    if (strategy == "only_second" && !hasPair) throw UsageError("truncation='only_second' needs a text_pair")
    if (strategy == "longest_first" && hasPair && options.returnOverflowingTokens) {
        throw UsageError(
            "return_overflowing_tokens needs one text of the pair to stay whole; choose truncation='only_second' (or 'only_first')",
        )
    }
    return strategy
}

/**
 * The length that sequences are padded to; null for no padding.
 *
 * @param limit the most tokens in a sequence; null for no limit
 * @param longest the number of tokens in the longest sequence
 */
internal fun paddedLength(options: EncodeOptions, limit: Int?, longest: Int): Int? {
    val multiple = options.padToMultipleOf
    if (multiple != null && multiple < 1) throw UsageError("pad_to_multiple_of=$multiple must be 1 or more")
    val length = when (options.padding) {
        null -> return null
        "max_length" -> limit
            ?: throw UsageError("padding='max_length' needs max_length, as this tokenizer sets no limit of its own")
        "longest" -> longest
        else -> throw UsageError(
            "padding=${PythonText.repr(options.padding)} is unknown; choose null, 'longest', 'max_length'",
        )
    }
    return if (multiple == null) length else (length + multiple - 1) / multiple * multiple
}

/** A text with more characters for each token of the limit is not tokenized as a whole. */
private const val CHARACTERS_PER_TOKEN = 64

/**
 * The beginning of a very long text, up to a space, that has at least as many tokens; other texts are unchanged. No piece of
 * a vocabulary reaches over a space, so the tokens of the beginning are the first ones of the whole text.
 */
internal fun beginningOf(text: String, tokens: Int): String {
    if (text.codePointCount(0, text.length) <= CHARACTERS_PER_TOKEN.toLong() * tokens) return text
    var end = 0
    var found = 0
    while (found < tokens) {
        val start = end
        end = text.indexOf(' ', end) + 1
        if (end == 0) return text
        // A word with one of these has a token, whatever the vocabulary is.
        if ((start until end).any { text[it] in '0'..'9' || text[it] in 'A'..'Z' || text[it] in 'a'..'z' }) found++
    }
    return text.substring(0, maxOf(end - 1, 0))
}
