package albert.runtime.tokenization

import albert.runtime.PythonText
import albert.runtime.UsageError

// Words that the caller has split: where they stand in the text, and their tokens. The twin of `given_words.py`.

/** So many characters are shown in messages. */
private const val SHOWN = 40

/** The text of some words, and where each of them is in it, in UTF-16 units. */
class LocatedWords(val text: String, val starts: IntArray, val ends: IntArray)

/**
 * The text of some words, and the place of each of them in it.
 *
 * @param words the words, in order
 * @param text the text that they were split from; null for the words with spaces between them
 * @throws UsageError there is no word, or one of them does not occur in the text
 */
fun locateWords(words: List<String>, text: String? = null): LocatedWords {
    if (words.all { PythonText.isBlank(it) }) throw UsageError("words holds no word; give it some")
    val joined = text ?: words.joinToString(" ")
    val starts = IntArray(words.size)
    val ends = IntArray(words.size)
    var end = 0
    for ((number, word) in words.withIndex()) {
        val start = joined.indexOf(word, end).takeIf { end <= joined.length } ?: -1
        if (start < 0) {
            throw UsageError(
                "words[$number] is ${PythonText.repr(word).take(SHOWN)}, which does not occur in the text after character $end, " +
                    "where the word before it ends (${PythonText.repr(joined.drop(end).take(SHOWN))}); give words that were " +
                    "split from this text, or no text",
            )
        }
        starts[number] = start
        ends[number] = start + word.length
        end = ends[number] + if (text == null) 1 else 0 // the space
    }
    return LocatedWords(joined, starts, ends)
}

/**
 * The tokens of some words, each tokenized by itself, as one sequence without special tokens.
 *
 * @param words the words, in order
 * @param located where each word is in the text; the spans of the tokens refer to the same text
 */
fun encodeWords(tokenizer: AlbertTokenizer, words: List<String>, located: LocatedWords): Encoding {
    val encodings = tokenizer.encodeAll(words, options = EncodeOptions(addSpecialTokens = false))

    fun joined(values: (Int) -> IntArray): IntArray = encodings.indices.flatMap { values(it).asList() }.toIntArray()
    return Encoding(
        ids = joined { encodings[it].ids },
        typeIds = joined { encodings[it].typeIds },
        attentionMask = joined { encodings[it].attentionMask },
        specialTokensMask = joined { encodings[it].specialTokensMask },
        tokens = encodings.flatMap { it.tokens },
        starts = joined { number -> moved(encodings[number].starts, located.starts[number]) },
        ends = joined { number -> moved(encodings[number].ends, located.starts[number]) },
        wordIds = joined { number -> IntArray(encodings[number].size) { number } },
        sequenceIds = joined { encodings[it].sequenceIds },
    )
}

private fun moved(places: IntArray, by: Int): IntArray = IntArray(places.size) { places[it] + by }
