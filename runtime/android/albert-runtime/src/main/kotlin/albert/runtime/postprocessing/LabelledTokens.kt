package albert.runtime.postprocessing

import albert.runtime.PythonText
import albert.runtime.Spans
import albert.runtime.engines.Tensor
import albert.runtime.tokenization.AlbertTokenizer
import albert.runtime.tokenization.Encoding
import albert.runtime.tokenization.WordPieceModel

/** The mark of a space before a piece of SentencePiece. */
private const val WORD_START = "\u2581"

/**
 * The tokens of one text of any length with the logits of their labels; the [CLS] and [SEP] around it are left out. The
 * twin of `labelled_tokens.py`.
 *
 * @property logits `[tokens, labels]`
 * @property tokens the pieces of the vocabulary; null for what is not in it
 * @property offsets the units of [text] that each token stands for
 * @property wordIds the number of the word that each token belongs to: a given word, or what stands between two spaces;
 *   -1 for none
 * @property words the units of each word, if the text was given as words; null if it was not
 * @property wordpiece whether the pieces are those of WordPiece, which mark a word's continuation, and not its start
 */
internal class LabelledTokens(
    val text: String,
    val logits: Tensor,
    val tokens: List<String?>,
    val offsets: Spans,
    val wordIds: IntArray,
    val words: Spans?,
    val wordpiece: Boolean,
) {
    /** The index of the best label of each token. */
    val labelIds: IntArray by lazy { IntArray(tokens.size) { argmax(logits.row(it)) } }

    /** The piece of one token; for a token that is not in the vocabulary, the text that it stands for. */
    fun piece(token: Int): String =
        tokens[token].takeUnless { it.isNullOrEmpty() } ?: text.substring(offsets.starts[token], offsets.ends[token])

    /**
     * Whether a token begins a word, as Hugging Face's pipeline tells it. A token that is not in the vocabulary begins
     * one, and so does a word that was given. With SentencePiece, a space is before the token or is its first character.
     */
    fun startsWord(token: Int): Boolean {
        val piece = tokens[token]
        val given = words != null && token > 0 && wordIds[token] != wordIds[token - 1]
        if (token == 0 || given || piece == null) return true
        if (wordpiece) return WordPieceModel.startsWord(piece)
        val start = offsets.starts[token]
        return start == 0 || text[start - 1] == ' ' || (start < text.length && text[start] == ' ')
    }

    /** The text that the pieces spell; in lower case and without accents, if the vocabulary has none. */
    fun spell(own: IntRange): String {
        val pieces = own.map { piece(it) }
        return if (wordpiece) WordPieceModel.join(pieces) else PythonText.strip(pieces.joinToString("").replace(WORD_START, " "))
    }

    /** The units (start, end) that some neighbouring tokens stand for. */
    fun span(own: IntRange): Pair<Int, Int> {
        // A token that is only the mark of a space stands for nothing; its place is the next word.
        val visible = own.filter { offsets.starts[it] < offsets.ends[it] }.ifEmpty { listOf(own.first) }
        return offsets.starts[visible.first()] to offsets.ends[visible.last()]
    }

    companion object {
        /**
         * The tokens of a text from its windows.
         *
         * @param parts for each window its sequence, the positions whose tokens are taken from it, and the logits of all
         *   positions, `[sequence, labels]`
         * @param words see the property
         */
        fun of(
            text: String, parts: List<Triple<Encoding, IntRange, Tensor>>, tokenizer: AlbertTokenizer, words: Spans?,
        ): LabelledTokens {
            val places = parts.flatMap { part -> part.second.map { part to it } }
            val labels = parts.first().third.width
            val logits = FloatArray(places.size * labels)
            places.forEachIndexed { token, (part, place) ->
                part.third.values.copyInto(logits, token * labels, place * labels, (place + 1) * labels)
            }
            fun field(values: (Encoding) -> IntArray) = IntArray(places.size) { values(places[it].first.first)[places[it].second] }
            return LabelledTokens(
                text,
                Tensor(intArrayOf(places.size, labels), logits),
                places.map { (part, place) -> part.first.tokens[place].takeIf { part.first.ids[place] != tokenizer.unkTokenId } },
                Spans(field { it.starts }, field { it.ends }),
                field { it.wordIds },
                words,
                tokenizer.isWordPiece,
            )
        }
    }
}
