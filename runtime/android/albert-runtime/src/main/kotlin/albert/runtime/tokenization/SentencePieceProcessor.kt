package albert.runtime.tokenization

import java.io.ByteArrayOutputStream

/**
 * What the `sentencepiece` library does with a model of the kind "unigram" or "bpe": normalization, pieces, and decoding.
 *
 * @param content the bytes of a spiece.model
 * @throws DamagedModelException they are no model, or a damaged one
 */
internal class SentencePieceProcessor(content: ByteArray) {
    private val file = SentencePieceFile(content)
    private val ids = HashMap<String, Int>(file.pieces.size * 2)
    private val unknownId: Int
    private val normalizer: SentencePieceNormalizer
    private val denormalizer: SentencePieceNormalizer?
    private val encoder: PieceEncoder

    /** Whether characters that the vocabulary lacks are spelled in bytes: "<0xE2>". */
    val byteFallback: Boolean get() = file.byteFallback

    /** The kind of the model, such as "unigram". */
    val modelType: String get() = SentencePieceFile.MODEL_TYPES.getOrElse(file.modelType) { "?" }

    /** The number of pieces. */
    val size: Int get() = file.pieces.size

    init {
        check(file.pieces.none { it.isEmpty() }, "a piece is empty")
        val unknown = file.types.indices.filter { file.types[it] == PieceType.UNKNOWN }
        check(unknown.size == 1, "there must be one unknown piece")
        unknownId = unknown.single()
        val ordinary = LinkedHashMap<String, Int>()
        val reserved = HashMap<String, Int>()
        for ((id, piece) in file.pieces.withIndex()) {
            val target = if (isOrdinary(file.types[id])) ordinary else reserved
            check(target.put(piece, id) == null, "a piece is there twice")
        }
        ids.putAll(ordinary)
        ids.putAll(reserved)
        val bytes = file.types.indices.filter { file.types[it] == PieceType.BYTE }
        check(bytes.all { byteOf(file.pieces[it]) >= 0 } && bytes.size == if (byteFallback) BYTES else 0, "bytes are missing")
        val user = ordinary.filterValues { file.types[it] == PieceType.USER_DEFINED }
        val userTrie = if (user.isEmpty()) null else PieceTrie(user)
        normalizer = SentencePieceNormalizer(
            rules(file.charsmap),
            userTrie,
            file.addDummyPrefix,
            file.removeExtraWhitespaces,
            file.escapeWhitespaces,
            file.spacesAreSuffixes,
        )
        denormalizer = if (file.denormalizerCharsmap.isEmpty()) null
        else SentencePieceNormalizer(rules(file.denormalizerCharsmap), null, false, false, false, false)
        val scores = file.scores.toFloatArray()
        val unused = BooleanArray(size) { file.types[it] == PieceType.UNUSED }
        encoder = if (modelType == "bpe") {
            BpeEncoder(ordinary, reserved, userTrie, scores, unused, unknownId)
        } else {
            val normal = file.scores.filterIndexed { id, _ -> file.types[id] == PieceType.NORMAL }
            val userDefined = BooleanArray(size) { file.types[it] == PieceType.USER_DEFINED }
            UnigramEncoder(ordinary, scores, userDefined, unused, lowest = normal.minOrNull() ?: Float.MAX_VALUE, unknownId)
        }
    }

    /** The id of [piece], or that of the unknown piece. */
    fun idOf(piece: String): Int = ids[piece] ?: unknownId

    /** The piece of an id from 0 to [size] - 1. */
    fun pieceOf(id: Int): String = file.pieces[id]

    /** [codes] as the model expects them. */
    fun normalize(codes: IntArray): NormalizedText = normalizer.normalize(codes)

    /**
     * The pieces of a normalized text. Neighbouring unknown characters are one piece, or, if the model falls back to bytes,
     * a piece for each byte.
     */
    fun encode(codes: IntArray): List<String> {
        val found = ArrayList<String>(codes.size / 2 + 1)
        var unknownEnd = -1
        var unknownStart = -1
        fun addUnknown() {
            if (unknownEnd < 0) return
            if (byteFallback) {
                for (place in unknownEnd - 1 downTo unknownStart) {
                    val bytes = utf8Size(codes[place])
                    for (number in bytes - 1 downTo 0) found += pieceOfByte(utf8Byte(codes[place], number, bytes))
                }
            } else {
                found += textOf(codes, unknownStart, unknownEnd)
            }
            unknownEnd = -1
        }
        encoder.encode(codes) { id, start, end ->
            if (id == unknownId) {
                if (unknownEnd < 0) unknownEnd = end
                unknownStart = start
            } else {
                addUnknown()
                found += file.pieces[id]
            }
        }
        addUnknown()
        found.reverse()
        return found
    }

    /** The text that [pieces] spell (`SentencePieceProcessor::Decode` of the library). */
    fun decode(pieces: List<String>): String {
        val text = StringBuilder()
        val bytes = ByteArrayOutputStream()
        var atStart = true
        var seen = false
        for (piece in pieces) {
            val id = idOf(piece)
            if (file.types[id] == PieceType.BYTE) {
                bytes.write(byteOf(piece))
                continue
            }
            text.append(decodedBytes(bytes))
            if (seen || text.isNotEmpty()) atStart = false
            seen = false
            if (file.types[id] == PieceType.CONTROL) continue
            if (id == unknownId) {
                text.append(if (file.pieces[id] == piece) file.unknownSurface else piece)
                continue
            }
            var spelled = piece
            if (atStart && (file.addDummyPrefix || file.removeExtraWhitespaces) && piece.startsWith(WORD_START)) {
                spelled = piece.substring(1)
                seen = !file.removeExtraWhitespaces
            }
            text.append(spelled.replace(WORD_START, ' '))
        }
        text.append(decodedBytes(bytes))
        return denormalizer?.let { textOf(it.normalize(codePoints(text.toString())).codes) } ?: text.toString()
    }

    /** The text of bytes in UTF-8; each byte that is part of no character is U+FFFD. */
    private fun decodedBytes(stream: ByteArrayOutputStream): String {
        val bytes = stream.toByteArray()
        stream.reset()
        val text = StringBuilder()
        var place = 0
        while (place < bytes.size) {
            val first = bytes[place].toInt() and 0xFF
            val size = if (first < 0x80) 1 else if (first < 0xE0) 2 else if (first < 0xF0) 3 else 4
            val character = if (place + size <= bytes.size) String(bytes, place, size, Charsets.UTF_8) else ""
            val valid = character.isNotEmpty() && character.codePointCount(0, character.length) == 1 &&
                character.toByteArray(Charsets.UTF_8).contentEquals(bytes.copyOfRange(place, place + size))
            if (valid) text.append(character) else text.append(REPLACEMENT.toChar())
            place += if (valid) size else 1
        }
        return text.toString()
    }

    companion object {
        private const val BYTES = 256
        private val BYTE_PIECE = Regex("<0x([0-9A-F]{2})>")
        private val PIECE_OF_BYTE = Array(BYTES) { String.format("<0x%02X>", it) }

        /** The piece that stands for one byte. */
        fun pieceOfByte(byte: Int): String = PIECE_OF_BYTE[byte]

        /** The byte that [piece] stands for; -1 if it stands for none. */
        fun byteOf(piece: String): Int =
            if (!piece.startsWith("<0x")) -1 else BYTE_PIECE.matchEntire(piece)?.groupValues?.get(1)?.toInt(16) ?: -1

        private fun isOrdinary(type: Int): Boolean =
            type == PieceType.NORMAL || type == PieceType.USER_DEFINED || type == PieceType.UNUSED

        private fun check(holds: Boolean, problem: String) {
            if (!holds) throw DamagedModelException(problem)
        }

        private fun rules(charsmap: ByteArray): DoubleArrayTrie? {
            if (charsmap.isEmpty()) return null
            return DoubleArrayTrie.of(charsmap) ?: throw DamagedModelException("the rules of normalization are damaged")
        }
    }
}
