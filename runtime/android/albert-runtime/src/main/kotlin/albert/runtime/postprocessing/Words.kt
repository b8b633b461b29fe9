package albert.runtime.postprocessing

import albert.runtime.PythonText
import albert.runtime.tokenization.codePoints
import albert.runtime.tokenization.isWordCharacter

// Words: where the words of a text begin and end, for labels that are given to words. The rules are those of the corpora
// that entity models are trained on (CoNLL 2003, WNUT 17, Universal Dependencies). The twin of `words.py`.

/** What a word is, as far as its characters tell. */
internal enum class Role {
    WORD,

    /** nothing but punctuation */
    PUNCTUATION,

    /** a dash between words; a hyphen inside a word is part of it */
    DASH,

    /** the 's of "Germany's", or the apostrophe of "James'" */
    POSSESSIVE,
}

/** The units [start] to [end] of a text. */
internal class Word(val start: Int, val end: Int, val role: Role)

/**
 * Scripts that write no spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, Tai Le, New Tai Lue, Tai Tham, Balinese,
 * Javanese, Yi, Chinese characters, hiragana, katakana and bopomofo.
 */
private val UNSPACED = Regex(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f\u3005-\u3007\u3040-\u312f" +
        "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua980-\ua9ff\uaa60-\uaa7f\uf900-\ufaff" +
        "\uff66-\uff9f\\x{20000}-\\x{3ffff}]+",
)

/** Dashes; two hyphens in a row are one in plain text. */
private val DASHES = Regex("[\u2012-\u2015\u2e3a\u2e3b]+|--+")
private const val HYPHENS = "-\u2010\u2011"
private const val APOSTROPHES = "'\u2019\u02bc\uff07`\u00b4"

/** Abbreviations in names; the period after them is part of the word. */
private val ABBREVIATIONS = (
    "ave blvd bros capt co col corp dept dr esq ft gen gov hon inc jr lt ltd messrs mr mrs ms mt mtn pres prof pt rep rev " +
        "sen sgt sr st ste univ"
    ).split(' ').toSet()

/**
 * The words of [text], in order; white space is in none of them.
 *
 * - Punctuation at either end of what stands between two spaces forms words of its own, one for each token.
 * - The period of an abbreviation ("U.S.", "St.", "Jr.") is part of the word.
 * - A possessive 's is a word of its own, and so is a dash between two words.
 * - In a script without spaces nobody can tell words from spaces, so each token is a word.
 *
 * @param tokenStarts the unit at which each token begins
 * @param wordStarts units at which a word begins although no white space stands before it, in order
 */
internal fun splitWords(text: String, tokenStarts: IntArray = IntArray(0), wordStarts: IntArray = IntArray(0)): List<Word> {
    val splitter = WordSplitter(text, tokenStarts.distinct().sorted().toIntArray())
    var place = 0
    while (place < text.length) {
        if (PythonText.isSpace(text[place].code)) {
            place++
            continue
        }
        var end = place
        while (end < text.length && !PythonText.isSpace(text[end].code)) end++
        bounds(wordStarts, place, end).zipWithNext { start, stop -> splitter.splitChunk(start, stop) }
        place = end
    }
    return splitter.words
}

/** The role of a word that is given by itself. */
internal fun roleOf(surface: String): Role = when {
    DASHES.matches(surface) || (surface.isNotEmpty() && surface.all { it in HYPHENS }) -> Role.DASH
    isPossessive(surface, 0, surface.length) -> Role.POSSESSIVE
    isPunctuation(surface) -> Role.PUNCTUATION
    else -> Role.WORD
}

/** Whether [surface] holds nothing but punctuation; currency signs and mathematical signs are not punctuation. */
internal fun isPunctuation(surface: String): Boolean = surface.isNotEmpty() && codePoints(surface).all { isPunctuation(it) }

/** Whether [surface] is written in scripts without spaces between words. */
internal fun isUnspaced(surface: String): Boolean = UNSPACED.matches(surface)

/** Whether a period after [core] belongs to it, wherever it stands in a sentence: "St", "U.S", "Ph.D". */
internal fun isAbbreviation(core: String): Boolean {
    if (core.lowercase() in ABBREVIATIONS) return true
    val parts = core.split('.')
    return parts.size > 1 && parts.all { part -> codePoints(part).let { it.size in 1..2 && it.all(::isLetter) } }
}

private fun isPunctuation(code: Int): Boolean = when (Character.getType(code).toByte()) {
    Character.CONNECTOR_PUNCTUATION, Character.DASH_PUNCTUATION, Character.START_PUNCTUATION, Character.END_PUNCTUATION,
    Character.INITIAL_QUOTE_PUNCTUATION, Character.FINAL_QUOTE_PUNCTUATION, Character.OTHER_PUNCTUATION,
    -> true
    else -> false
}

/** What Python's `[^\W\d_]` matches: letters, and numbers that are no decimal digits. */
private fun isLetter(code: Int): Boolean = isWordCharacter(code) && code != '_'.code && !Character.isDigit(code)

private fun isPossessive(text: String, start: Int, end: Int): Boolean =
    end - start == 2 && text[start] in APOSTROPHES && text[start + 1] in "sS"

/** [start], those of the sorted [cuts] that are between the two, and [end]. */
private fun bounds(cuts: IntArray, start: Int, end: Int): List<Int> {
    val found = mutableListOf(start)
    var place = firstAbove(cuts, start)
    while (place < cuts.size && cuts[place] < end) found += cuts[place++]
    found += end
    return found
}

/** The place of the first of the sorted [numbers] that is above [limit]. */
internal fun firstAbove(numbers: IntArray, limit: Int): Int {
    var low = 0
    var high = numbers.size
    while (low < high) {
        val middle = (low + high) ushr 1
        if (numbers[middle] > limit) high = middle else low = middle + 1
    }
    return low
}

/** Splits what stands between two spaces into words. */
private class WordSplitter(private val text: String, private val cuts: IntArray) {
    val words = mutableListOf<Word>()

    /** The words between two spaces, first divided at dashes and where a script without spaces begins or ends. */
    fun splitChunk(start: Int, end: Int) {
        val chunk = text.substring(start, end)
        if (chunk.all { it in 'a'..'z' || it in 'A'..'Z' || it in '0'..'9' }) { // most are; the rest would find the same, slowly
            words += Word(start, end, Role.WORD)
            return
        }
        parts(DASHES, chunk) { from, to, isDash ->
            if (isDash) {
                words += Word(start + from, start + to, Role.DASH)
            } else {
                parts(UNSPACED, chunk.substring(from, to)) { first, last, isUnspaced ->
                    val begin = start + from + first
                    val stop = start + from + last
                    if (isUnspaced) splitAt(begin, stop) else splitSpaced(begin, stop)
                }
            }
        }
    }

    /** The words of a script with spaces: punctuation at both ends, the word between it, and its possessive. */
    private fun splitSpaced(start: Int, end: Int) {
        var stop = end
        while (stop > start) {
            val code = text.codePointBefore(stop)
            if (!isPunctuation(code)) break
            stop -= Character.charCount(code)
        }
        if (isPossessive(text, maxOf(start, stop - 2), stop)) {
            splitSpaced(start, stop - 2)
            words += Word(stop - 2, stop, Role.POSSESSIVE)
        } else {
            var begin = start
            while (begin < stop) {
                val code = text.codePointAt(begin)
                if (!isPunctuation(code)) break
                begin += Character.charCount(code)
            }
            splitAt(start, begin)
            if (begin < stop) {
                val core = text.substring(begin, stop)
                if (stop < end && text[stop] == '.' && isAbbreviation(core)) stop++
                words += Word(begin, stop, Role.WORD)
                if (core.last() in "sS" && stop < end && text[stop] in APOSTROPHES) {
                    words += Word(stop, stop + 1, Role.POSSESSIVE)
                    stop++
                }
            }
        }
        splitAt(stop, end)
    }

    /** The units [start] to [end], divided at every one of the cuts between them. */
    private fun splitAt(start: Int, end: Int) {
        if (start >= end) return
        bounds(cuts, start, end).zipWithNext { begin, stop -> words += Word(begin, stop, roleOf(text.substring(begin, stop))) }
    }

    /** The non-empty parts of [chunk] that match the pattern, and those between them. */
    private fun parts(pattern: Regex, chunk: String, use: (start: Int, end: Int, matches: Boolean) -> Unit) {
        var place = 0
        for (match in pattern.findAll(chunk)) {
            if (place < match.range.first) use(place, match.range.first, false)
            place = match.range.last + 1
            use(match.range.first, place, true)
        }
        if (place < chunk.length) use(place, chunk.length, false)
    }
}
