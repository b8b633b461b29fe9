package albert.runtime.tokenization

/** SentencePiece's visible space, the first character of every piece that starts a word. */
internal const val WORD_START = '\u2581'

/** One piece, and the UTF-16 units of the original text that it stands for (not the space before it). */
internal class Piece(val piece: String, val start: Int, val end: Int)

/** What splits a normalized text into the pieces of a vocabulary. It never changes, so threads may share it. */
internal interface PieceModel {
    /** Whether a mask that is written in a text includes the space on its left, if no file says otherwise. */
    val maskTakesSpace: Boolean

    /** The number of pieces, which have the ids from 0 on. */
    val size: Int

    /** The id of [piece], or the id of the unknown piece if the vocabulary does not hold it. */
    fun idOf(piece: String): Int

    /** The piece of an id from 0 to [size] - 1. */
    fun pieceOf(id: Int): String

    /** Whether [piece] is in the vocabulary. */
    fun holds(piece: String): Boolean

    /** The text that [pieces] spell. */
    fun join(pieces: List<String>): String

    /** The pieces of a normalized text. */
    fun split(text: AlignedText): List<Piece>

    /** Whether a word begins with [piece]. */
    fun startsWord(piece: String): Boolean = piece.startsWith(WORD_START)

    /** [piece] without the mark that says whether it begins a word; it may be empty. */
    fun spelling(piece: String): String = piece.removePrefix(WORD_START.toString())
}
