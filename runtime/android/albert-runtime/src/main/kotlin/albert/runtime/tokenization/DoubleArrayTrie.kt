package albert.runtime.tokenization

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * The rules of a "precompiled charsmap": sequences of characters and what replaces them.
 *
 * The format is that of google/sentencepiece (normalizer.cc, `Normalizer::DecodePrecompiledCharsMap`): the size of a trie in
 * bytes, the trie, and the replacements in UTF-8, each ended by a zero byte. The trie is a double array in the form of Darts
 * (darts.h): an array of 32-bit units.
 */
internal class DoubleArrayTrie private constructor(private val units: IntArray, private val replacements: ByteArray) {
    /** The longest rule for the characters from [start] on: its value and how many characters it takes. */
    inline fun longest(codes: IntArray, start: Int, found: (value: Int, characters: Int) -> Unit) {
        var position = offset(units[0])
        var place = start
        var value = -1
        var characters = 0
        search@ while (place < codes.size) {
            val code = codes[place++]
            val bytes = utf8Size(code)
            for (number in 0 until bytes) {
                position = follow(position, utf8Byte(code, number, bytes))
                if (position < 0) break@search
                if (number == bytes - 1 && hasValue(position)) {
                    value = valueAt(position)
                    characters = place - start
                }
                position = childrenOf(position)
            }
        }
        if (characters > 0) found(value, characters)
    }

    /** The value of the shortest beginning of [codes] that has one, up to a zero byte; -1 for none. */
    fun shortest(codes: IntArray): Int {
        var position = offset(units[0])
        for (code in codes) {
            val bytes = utf8Size(code)
            for (number in 0 until bytes) {
                val byte = utf8Byte(code, number, bytes)
                position = if (byte == 0) -1 else follow(position, byte)
                if (position < 0) return -1
                if (hasValue(position)) return valueAt(position)
                position = childrenOf(position)
            }
        }
        return -1
    }

    /** The characters of the replacement with the given value; null if there is no such replacement. */
    fun replacement(value: Int): IntArray? {
        if (value !in replacements.indices) return null
        var end = value
        while (end < replacements.size && replacements[end] != 0.toByte()) end++
        return if (end == replacements.size) null else codePoints(String(replacements, value, end - value, Charsets.UTF_8))
    }

    private fun follow(position: Int, byte: Int): Int {
        val next = position xor byte
        if (next !in units.indices) return -1
        return if (units[next] and LABEL == byte) next else -1
    }

    private fun hasValue(position: Int): Boolean = units[position] ushr 8 and 1 == 1

    private fun valueAt(position: Int): Int {
        val place = childrenOf(position)
        return if (place in units.indices) units[place] and 0x7FFFFFFF else -1
    }

    private fun childrenOf(position: Int): Int = position xor offset(units[position])

    companion object {
        /** The highest bit marks a value; the lowest byte is the label of a unit. */
        private const val LABEL = 0x800000FF.toInt()

        /**
         * The rules in [content]; null if they are damaged.
         */
        fun of(content: ByteArray): DoubleArrayTrie? {
            if (content.size <= 4) return null
            val buffer = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN)
            val size = buffer.getInt(0)
            if (size <= 0 || size % 4 != 0 || size >= content.size - 4) return null
            if (content[content.size - 1] != 0.toByte()) return null
            val units = IntArray(size / 4) { buffer.getInt(4 + 4 * it) }
            return DoubleArrayTrie(units, content.copyOfRange(4 + size, content.size))
        }

        /** Where the units of the following bytes begin, relative to the position of [unit]. */
        private fun offset(unit: Int): Int = (unit ushr 10) shl (unit and (1 shl 9) ushr 6)
    }
}

/** The number of bytes of a character in UTF-8. */
internal fun utf8Size(code: Int): Int = if (code < 0x80) 1 else if (code < 0x800) 2 else if (code < 0x10000) 3 else 4

/** One of the [size] bytes of a character in UTF-8. */
internal fun utf8Byte(code: Int, number: Int, size: Int): Int {
    val bits = code ushr (6 * (size - 1 - number))
    if (number > 0) return 0x80 or (bits and 0x3F)
    return if (size == 1) bits else bits or (0xF00 ushr size and 0xFF)
}
