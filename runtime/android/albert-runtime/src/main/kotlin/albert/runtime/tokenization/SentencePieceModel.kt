package albert.runtime.tokenization

import albert.runtime.UnsupportedError
import java.util.concurrent.ConcurrentHashMap

/**
 * The vocabulary of a tokenizer, which splits a text into pieces with their spans: a loaded `spiece.model`. The twin of
 * `sentencepiece_model.py`.
 *
 * @param splitsCommas split pieces like "1999," before their comma, as ALBERT's tokenizers do
 * @throws UnsupportedError the file is missing or is not a SentencePiece model
 */
internal class SentencePieceModel(file: TokenizerFile, private val splitsCommas: Boolean) : PieceModel {
    private val processor = load(file)
    private val vanishes = ConcurrentHashMap<Int, Boolean>()

    override val maskTakesSpace get() = true
    override val size: Int get() = processor.size

    override fun idOf(piece: String): Int = processor.idOf(piece)

    override fun pieceOf(id: Int): String = processor.pieceOf(id)

    override fun holds(piece: String): Boolean = pieceOf(idOf(piece)) == piece

    override fun join(pieces: List<String>): String = if (pieces.isEmpty()) "" else processor.decode(pieces)

    /** The pieces of [text]; one like "1999," may be split before its comma (a rule of Google's tokenization.py). */
    override fun split(text: AlignedText): List<Piece> {
        val normalized = processor.normalize(text.codes)
        val pieces = processor.encode(normalized.codes)
        if (pieces.isEmpty()) return emptyList()
        val spans = CharacterSpans(text, normalized.origins)
        val found = ArrayList<Piece>(pieces.size)
        var position = 0 // in SentencePiece's own normalized text, which is the pieces joined together
        var waiting = 0 // the bytes that the current character still lacks
        for (whole in pieces) {
            val byte = if (processor.byteFallback) SentencePieceProcessor.byteOf(whole) else -1
            if (byte >= 0) {
                waiting = (if (waiting == 0) bytesOfCharacter(byte) else waiting) - 1
                // Each byte stands for the whole character.
                found += Piece(whole, spans.starts[position], spans.ends[position])
                if (waiting == 0) position++
                continue
            }
            if (!(splitsCommas && endsInDigitAndComma(whole))) {
                position = add(found, whole, whole, spans, position)
                continue
            }
            val parts = withoutComma(whole)
            // If splitting changed the characters, each part stands for the whole piece.
            if (parts.joinToString("") == whole) {
                for (part in parts) position = add(found, part, part, spans, position)
            } else {
                for (part in parts) add(found, part, whole, spans, position)
                position += characters(whole)
            }
        }
        return found
    }

    /** Append [part], which stands for the characters of [spelled] at [position]; returns the position behind them. */
    private fun add(found: MutableList<Piece>, part: String, spelled: String, spans: CharacterSpans, position: Int): Int {
        val count = characters(spelled)
        var first = position
        var last = position + count - 1
        for (sign in spelled) if (sign == WORD_START) first++ else break
        for (index in spelled.indices.reversed()) if (spelled[index] == WORD_START) last-- else break
        // A piece that is only a space stands for no character, unless one character became several words.
        val end = if (last >= first) spans.ends[last] else maxOf(spans.starts[first], found.lastOrNull()?.end ?: 0)
        found += Piece(part, spans.starts[first], end)
        return position + count
    }

    /** A piece like "1999," as the pieces of "1999" and the comma. */
    private fun withoutComma(piece: String): List<String> {
        val digits = codePoints(piece.dropLast(1).replace(WORD_START.toString(), ""))
        val parts = processor.encode(processor.normalize(digits).codes).toMutableList()
        // Encoded alone, the digits get the mark of a word's start, which they must not have inside a word.
        if (!piece.startsWith(WORD_START) && parts[0].startsWith(WORD_START)) {
            if (parts[0].length > 1) parts[0] = parts[0].substring(1) else parts.removeAt(0)
        }
        return parts + piece.takeLast(1)
    }

    /**
     * Start and end in the original text of each character of SentencePiece's own normalized text. `starts` has one more
     * entry, the position after the last character.
     */
    private inner class CharacterSpans(text: AlignedText, origins: IntArray) {
        val starts = IntArray(origins.size) { if (origins[it] < text.size) text.starts[origins[it]] else text.ends.last() }
        val ends = IntArray(origins.size - 1)

        init {
            var end = origins.last()
            for (place in ends.indices.reversed()) {
                // All characters that came from one character begin where it begins, and it ends where the next one begins.
                if (origins[place + 1] > origins[place]) end = origins[place + 1]
                var last = end
                // Dropped characters and squeezed spaces do not belong to the character before them.
                while (last - origins[place] > 1 && vanishes(text.codes[last - 1])) last--
                ends[place] = text.ends[maxOf(last, 1) - 1]
            }
        }
    }

    private fun vanishes(code: Int): Boolean =
        vanishes.getOrPut(code) { processor.normalize(intArrayOf(code)).codes.isEmpty() }

    private companion object {
        /** The kinds of models whose pieces can be found. */
        val SUPPORTED = listOf("unigram", "bpe")

        fun load(file: TokenizerFile): SentencePieceProcessor {
            val content = file.read { reason ->
                "the SentencePiece model $file can't be read ($reason); " +
                    "an ALBERT checkpoint keeps its vocabulary in a file of that kind, usually spiece.model"
            }
            val processor = try {
                if (content.isEmpty()) null else SentencePieceProcessor(content)
            } catch (_: DamagedModelException) {
                null
            }
            if (processor == null) {
                throw UnsupportedError(
                    file.failedDownload() ?: (
                        "$file (${content.size} bytes) is not a SentencePiece model, or is damaged; copy spiece.model from the " +
                            "checkpoint again"
                        ),
                )
            }
            if (processor.modelType !in SUPPORTED) {
                throw UnsupportedError(
                    "$file is a SentencePiece model of the kind ${processor.modelType}; only ${SUPPORTED.joinToString(" and ")} " +
                        "are supported",
                )
            }
            return processor
        }
    }
}

/** Whether [piece] ends in a comma after a digit, so that it is split before the comma. */
internal fun endsInDigitAndComma(piece: String): Boolean =
    piece.length > 1 && piece.endsWith(',') && isDigit(piece.codePointBefore(piece.length - 1))

private fun characters(text: String): Int = text.codePointCount(0, text.length)

/** The number of bytes of a character in UTF-8, by its first byte. */
private fun bytesOfCharacter(first: Int): Int = if (first < 0x80) 1 else if (first < 0xE0) 2 else if (first < 0xF0) 3 else 4
