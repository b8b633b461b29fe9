package albert.runtime.tokenization

import java.nio.BufferUnderflowException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** What a piece is, by its number in sentencepiece_model.proto. */
internal object PieceType {
    const val NORMAL = 1
    const val UNKNOWN = 2
    const val CONTROL = 3
    const val USER_DEFINED = 4
    const val UNUSED = 5
    const val BYTE = 6
}

/** The bytes are no SentencePiece model; the message says why. */
internal class DamagedModelException(message: String) : Exception(message)

/**
 * The content of a `spiece.model`: the protocol buffer `ModelProto` of google/sentencepiece
 * (src/sentencepiece_model.proto), as far as a tokenizer needs it. Absent fields have the defaults of that file.
 */
internal class SentencePieceFile(content: ByteArray) {
    val pieces = ArrayList<String>()
    val scores = ArrayList<Float>()
    val types = ArrayList<Int>()
    var modelType = UNIGRAM
        private set
    var spacesAreSuffixes = false
        private set
    var byteFallback = false
        private set
    var unknownSurface = " \u2047 "
        private set
    var charsmap = ByteArray(0)
        private set
    var addDummyPrefix = true
        private set
    var removeExtraWhitespaces = true
        private set
    var escapeWhitespaces = true
        private set
    var denormalizerCharsmap = ByteArray(0)
        private set

    init {
        readMessage(ByteBuffer.wrap(content)) { field, value ->
            when (field) {
                PIECES -> readPiece(value.message())
                TRAINER -> readTrainer(value.message())
                NORMALIZER -> readNormalizer(value.message())
                DENORMALIZER -> readMessage(value.message()) { inner, bytes -> if (inner == CHARSMAP) denormalizerCharsmap = bytes.bytes() }
            }
        }
    }

    private fun readPiece(buffer: ByteBuffer) {
        var piece = ""
        var score = 0f
        var type = PieceType.NORMAL
        readMessage(buffer) { field, value ->
            when (field) {
                1 -> piece = value.text()
                2 -> score = value.float()
                3 -> type = value.number().toInt()
            }
        }
        pieces += piece
        scores += score
        types += type
    }

    private fun readTrainer(buffer: ByteBuffer) = readMessage(buffer) { field, value ->
        when (field) {
            MODEL_TYPE -> modelType = value.number().toInt()
            SPACES_ARE_SUFFIXES -> spacesAreSuffixes = value.number() != 0L
            BYTE_FALLBACK -> byteFallback = value.number() != 0L
            UNKNOWN_SURFACE -> unknownSurface = value.text()
        }
    }

    private fun readNormalizer(buffer: ByteBuffer) = readMessage(buffer) { field, value ->
        when (field) {
            CHARSMAP -> charsmap = value.bytes()
            ADD_DUMMY_PREFIX -> addDummyPrefix = value.number() != 0L
            REMOVE_EXTRA_WHITESPACES -> removeExtraWhitespaces = value.number() != 0L
            ESCAPE_WHITESPACES -> escapeWhitespaces = value.number() != 0L
        }
    }

    companion object {
        const val UNIGRAM = 1

        /** The kinds of models by their number. */
        val MODEL_TYPES = listOf("?", "unigram", "bpe", "word", "char")

        private const val PIECES = 1
        private const val TRAINER = 2
        private const val NORMALIZER = 3
        private const val DENORMALIZER = 5
        private const val MODEL_TYPE = 3
        private const val SPACES_ARE_SUFFIXES = 24
        private const val BYTE_FALLBACK = 35
        private const val UNKNOWN_SURFACE = 44
        private const val CHARSMAP = 2
        private const val ADD_DUMMY_PREFIX = 3
        private const val REMOVE_EXTRA_WHITESPACES = 4
        private const val ESCAPE_WHITESPACES = 5
    }
}

/** The value of one field; it is read as the field's type asks for. */
private class FieldValue(private val number: Long?, private val content: ByteBuffer?) {
    fun number(): Long = number ?: damaged()

    fun message(): ByteBuffer = content?.duplicate() ?: damaged()

    fun bytes(): ByteArray = message().let { buffer -> ByteArray(buffer.remaining()).also { buffer.get(it) } }

    fun text(): String = String(bytes(), Charsets.UTF_8)

    fun float(): Float = java.lang.Float.intBitsToFloat(number().toInt())

    private fun damaged(): Nothing = throw DamagedModelException("a field has another type than it must have")
}

/** Call [take] for each field of a message in the wire format of protocol buffers (protobuf.dev, "Encoding"). */
private fun readMessage(buffer: ByteBuffer, take: (Int, FieldValue) -> Unit) {
    buffer.order(ByteOrder.LITTLE_ENDIAN)
    try {
        while (buffer.hasRemaining()) {
            val tag = readVarint(buffer)
            val field = (tag ushr 3).toInt()
            if (field == 0) throw DamagedModelException("a field has the number 0")
            val value = when ((tag and 7).toInt()) {
                0 -> FieldValue(readVarint(buffer), null)
                1 -> FieldValue(buffer.long, null)
                2 -> FieldValue(null, readContent(buffer))
                5 -> FieldValue(buffer.int.toLong(), null)
                else -> throw DamagedModelException("a field has an unknown type")
            }
            take(field, value)
        }
    } catch (_: BufferUnderflowException) {
        throw DamagedModelException("it ends within a field")
    }
}

private fun readContent(buffer: ByteBuffer): ByteBuffer {
    val size = readVarint(buffer)
    if (size < 0 || size > buffer.remaining()) throw DamagedModelException("a field is longer than the file")
    val content = buffer.slice()
    val end = size.toInt()
    // The casts keep the bytecode callable before Java 9 and API level 33.
    (content as java.nio.Buffer).limit(end)
    (buffer as java.nio.Buffer).position(buffer.position() + end)
    return content
}

private fun readVarint(buffer: ByteBuffer): Long {
    var value = 0L
    for (shift in 0 until 64 step 7) {
        val byte = buffer.get().toLong()
        value = value or ((byte and 0x7F) shl shift)
        if (byte >= 0) return value
    }
    throw DamagedModelException("a number has no end")
}
