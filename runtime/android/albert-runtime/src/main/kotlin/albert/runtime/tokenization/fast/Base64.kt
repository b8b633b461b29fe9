package albert.runtime.tokenization.fast

/** The standard alphabet of RFC 4648. `java.util.Base64` is not on Android before API level 26. */
private const val ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
private val VALUES = IntArray(128) { ALPHABET.indexOf(it.toChar()) }

/** The bytes that [text] stands for in base64; null if it is damaged. */
internal fun decodeBase64(text: String): ByteArray? {
    val digits = text.trimEnd('=')
    val padding = text.length - digits.length
    if (text.length % 4 != 0 || padding > 2) return null
    val found = ByteArray(digits.length * 6 / 8)
    var bits = 0
    var held = 0
    var size = 0
    for (digit in digits) {
        val value = if (digit.code < VALUES.size) VALUES[digit.code] else -1
        if (value < 0) return null
        bits = bits shl 6 or value
        held += 6
        if (held >= 8) {
            held -= 8
            found[size++] = (bits ushr held).toByte()
        }
    }
    return found
}
