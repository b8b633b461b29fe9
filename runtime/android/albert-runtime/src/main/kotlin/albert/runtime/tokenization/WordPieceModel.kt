package albert.runtime.tokenization

import albert.runtime.PythonText
import albert.runtime.UnsupportedError
import albert.runtime.listed
import java.nio.ByteBuffer
import java.nio.CharBuffer

/** The mark of each piece that continues a word. */
internal const val CONTINUATION = "##"

/** A word of more characters is unknown. */
internal const val LONGEST_WORD = 100

/**
 * The vocabulary of a BertTokenizer, which splits words into pieces with their spans: a loaded `vocab.txt`. The pieces are
 * those of `WordpieceTokenizer` in Google's BERT (tokenization.py): the longest piece that begins a word, then the longest
 * that continues it, and so on. The twin of `wordpiece_model.py`.
 *
 * The number of a line, counted from 0, is the id of its piece. Where several lines are equal, the last one counts, as in
 * transformers; the ids of the others stand for the unknown piece.
 *
 * @param source what messages call the file
 * @param unknownPiece the piece that stands for words that can't be spelled
 * @throws UnsupportedError [lines] lack [unknownPiece]
 */
internal class WordPieceModel(source: String, private val unknownPiece: String, lines: List<String>) : PieceModel {
    private val ids = HashMap<String, Int>(lines.size * 2)
    private val pieces: List<String>
    private val longest: Int

    init {
        for ((id, line) in lines.withIndex()) ids[line] = id
        if (unknownPiece !in ids) {
            throw UnsupportedError(
                listed("$source is not the vocabulary of a BertTokenizer:", problemsOf(lines, unknownPiece)) +
                    "\nuse the vocab.txt that the checkpoint was trained with",
            )
        }
        pieces = lines.mapIndexed { id, line -> if (ids[line] == id) line else unknownPiece }
        longest = lines.maxOf { it.length }
    }

    private val unknownId = ids.getValue(unknownPiece)

    override val maskTakesSpace get() = false
    override val size: Int get() = pieces.size

    override fun idOf(piece: String): Int = ids[piece] ?: unknownId

    override fun pieceOf(id: Int): String = pieces[id]

    override fun holds(piece: String): Boolean = piece in ids

    override fun startsWord(piece: String): Boolean = Companion.startsWord(piece)

    override fun spelling(piece: String): String = piece.removePrefix(CONTINUATION)

    override fun join(pieces: List<String>): String = Companion.join(pieces)

    /**
     * The pieces of the words of [text], between which there is white space. A word that can't be spelled, or that is longer
     * than 100 characters, is the unknown piece.
     */
    override fun split(text: AlignedText): List<Piece> {
        val found = ArrayList<Piece>()
        for ((start, end) in words(text.codes)) {
            val before = found.size
            if (!(end - start <= LONGEST_WORD && spell(text, start, end, found))) {
                while (found.size > before) found.removeAt(found.size - 1)
                found += Piece(unknownPiece, text.starts[start], text.ends[end - 1])
            }
        }
        return found
    }

    /** Append the pieces of a word; returns whether it can be spelled. */
    private fun spell(text: AlignedText, begin: Int, stop: Int, found: MutableList<Piece>): Boolean {
        var start = begin
        while (start < stop) {
            val rest = textOf(text.codes, start, stop)
            val mark = if (start > begin) CONTINUATION else ""
            var end = stop
            var units = rest.length
            while (end > start && (units > longest || mark + rest.substring(0, units) !in ids)) {
                end--
                units -= Character.charCount(text.codes[end])
            }
            if (end == start) return false
            found += Piece(mark + rest.substring(0, units), text.starts[start], text.ends[end - 1])
            start = end
        }
        return true
    }

    companion object {
        /** Whether a word begins with [piece]. */
        fun startsWord(piece: String): Boolean = !piece.startsWith(CONTINUATION)

        /** The text that [pieces] spell, with a space between words. */
        fun join(pieces: List<String>): String = PythonText.strip(pieces.joinToString(" ").replace(" $CONTINUATION", ""))
    }
}

private const val ADVICE = "an ALBERT checkpoint with a BertTokenizer keeps its vocabulary in vocab.txt, a piece on each line"

/** Far more than any vocabulary has: 500,000 pieces of many languages are 5 MB. */
private const val LARGEST_FILE = 1 shl 26

/** So many characters of a line are shown in messages. */
private const val SHOWN = 40

/** The pieces in a `vocab.txt`: its lines, ended by "\n", "\r\n" or "\r"; a byte order mark belongs to the first line. */
internal fun readVocabularyLines(file: TokenizerFile): List<String> {
    val content = file.read { "the vocabulary $file can't be read ($it); $ADVICE" }
    if (content.size > LARGEST_FILE) {
        throw UnsupportedError("$file has ${content.size} bytes, and the limit is $LARGEST_FILE; $ADVICE")
    }
    val text = CharBuffer.allocate(content.size)
    val bytes = ByteBuffer.wrap(content)
    val result = Charsets.UTF_8.newDecoder().decode(bytes, text, true)
    if (result.isError) {
        val place = bytes.position()
        throw UnsupportedError(
            "$file is not a text in UTF-8 (byte $place is ${String.format("0x%02x", content[place])}); $ADVICE; if it is that " +
                "text in another encoding, such as UTF-16, save it as UTF-8",
        )
    }
    val whole = String(text.array(), 0, text.position())
    val lines = whole.replace("\r\n", "\n").replace('\r', '\n').removeSuffix("\n").split('\n')
    if (lines.all { it.isEmpty() }) throw UnsupportedError("$file (${content.size} bytes) is empty; $ADVICE")
    return lines
}

/** Why [lines] have no [unknownPiece], as far as it can be said. */
private fun problemsOf(lines: List<String>, unknownPiece: String): List<String> {
    val first = if (lines[0].length <= SHOWN) lines[0] else lines[0].take(SHOWN) + "..."
    val problems = mutableListOf(
        "the piece $unknownPiece is missing among its ${lines.size} lines, the first of which is ${PythonText.repr(first)}",
    )
    if (lines[0].startsWith('\uFEFF')) {
        problems += "it begins with a byte order mark, which becomes part of the first piece; save it without one"
    }
    if (lines.any { '\u0000' in it }) problems += "it holds zero bytes, as a text in UTF-16 does; save it as UTF-8"
    val spaced = lines.indexOfFirst { PythonText.strip(it) == unknownPiece }
    if (spaced >= 0) problems += "line ${spaced + 1} has white space around $unknownPiece; remove it"
    return problems
}
