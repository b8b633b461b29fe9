package albert.runtime.json

/** A text is not JSON; the message says what is wrong, and at which line and column. */
class JsonError(message: String) : IllegalArgumentException(message)

/** Reads JSON (RFC 8259), and as Python's `json` does, NaN, Infinity and -Infinity. */
object Json {
    /** Deeper values are refused, as they would exhaust the stack of a thread. */
    internal const val DEEPEST = 500

    /**
     * The value in [text]: a Map<String, Any?> (in the order of the text; the last of equal names counts), a
     * List<Any?>, a String, a Long (a whole number), a Double (another number, or a whole one too large for a Long), a
     * Boolean, or null.
     *
     * @throws JsonError [text] is not JSON, or is nested too deeply
     */
    fun parse(text: String): Any? = JsonParser(text).document()
}

private class JsonParser(private val text: String) {
    private var at = 0
    private var depth = 0

    fun document(): Any? {
        if (text.startsWith("\uFEFF")) fail("the text begins with a byte order mark", 0)
        val value = value()
        skipSpace()
        if (at < text.length) fail("extra data", at)
        return value
    }

    private fun value(): Any? {
        skipSpace()
        if (at >= text.length) fail("expecting a value", at)
        return when (text[at]) {
            '{' -> nested { members() }
            '[' -> nested { elements() }
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            'N' -> word("NaN", Double.NaN)
            'I' -> word("Infinity", Double.POSITIVE_INFINITY)
            else -> if (text.startsWith("-Infinity", at)) word("-Infinity", Double.NEGATIVE_INFINITY) else number()
        }
    }

    private fun <T> nested(read: () -> T): T {
        if (++depth > Json.DEEPEST) fail("values are nested more than ${Json.DEEPEST} deep", at)
        at++
        return read().also { depth-- }
    }

    private fun members(): Map<String, Any?> {
        val found = LinkedHashMap<String, Any?>()
        skipSpace()
        if (take('}')) return found
        while (true) {
            skipSpace()
            if (at >= text.length || text[at] != '"') fail("expecting a name in double quotes", at)
            val name = string()
            skipSpace()
            if (!take(':')) fail("expecting ':'", at)
            found[name] = value()
            skipSpace()
            if (take('}')) return found
            if (!take(',')) fail("expecting ',' or '}'", at)
        }
    }

    private fun elements(): List<Any?> {
        val found = ArrayList<Any?>()
        skipSpace()
        if (take(']')) return found
        while (true) {
            found += value()
            skipSpace()
            if (take(']')) return found
            if (!take(',')) fail("expecting ',' or ']'", at)
        }
    }

    private fun string(): String {
        val begin = at++
        val end = text.indexOf('"', at)
        if (end >= 0 && (at until end).none { text[it] == '\\' || text[it] < ' ' }) {
            return text.substring(at, end).also { at = end + 1 }
        }
        val found = StringBuilder()
        while (true) {
            if (at >= text.length) fail("a string has no end", begin)
            val sign = text[at++]
            when {
                sign == '"' -> return found.toString()
                sign == '\\' -> found.append(escaped(begin))
                sign < ' ' -> fail("a string holds a control character", at - 1)
                else -> found.append(sign)
            }
        }
    }

    private fun escaped(begin: Int): Char {
        if (at >= text.length) fail("a string has no end", begin)
        return when (val sign = text[at++]) {
            '"', '\\', '/' -> sign
            'b' -> '\b'
            'f' -> '\u000C'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> {
                val digits = text.substring(at, minOf(at + HEX_DIGITS, text.length))
                if (digits.length < HEX_DIGITS || digits.any { it !in '0'..'9' && it !in 'a'..'f' && it !in 'A'..'F' }) {
                    fail("\\u needs four hexadecimal digits", at)
                }
                at += HEX_DIGITS
                digits.toInt(16).toChar()
            }
            else -> fail("there is no escape \\$sign", at - 1)
        }
    }

    private fun number(): Any {
        val begin = at
        take('-')
        val whole = at
        digits()
        if (at == whole || (text[whole] == '0' && at > whole + 1)) fail("expecting a value", begin)
        var isWhole = true
        if (at + 1 < text.length && text[at] == '.' && text[at + 1] in '0'..'9') {
            isWhole = false
            at++
            digits()
        }
        if (at < text.length && (text[at] == 'e' || text[at] == 'E')) {
            val mark = at++
            if (at < text.length && (text[at] == '+' || text[at] == '-')) at++
            val exponent = at
            digits()
            if (at == exponent) at = mark else isWhole = false
        }
        val found = text.substring(begin, at)
        return (if (isWhole) found.toLongOrNull() else null) ?: found.toDouble()
    }

    private fun digits() {
        while (at < text.length && text[at] in '0'..'9') at++
    }

    private fun <T> word(name: String, value: T): T {
        if (!text.startsWith(name, at)) fail("expecting a value", at)
        at += name.length
        return value
    }

    private fun take(sign: Char): Boolean {
        if (at >= text.length || text[at] != sign) return false
        at++
        return true
    }

    private fun skipSpace() {
        while (at < text.length && text[at].let { it == ' ' || it == '\n' || it == '\r' || it == '\t' }) at++
    }

    private fun fail(problem: String, place: Int): Nothing {
        val before = text.substring(0, minOf(place, text.length))
        val line = before.count { it == '\n' } + 1
        val column = before.length - before.lastIndexOf('\n')
        throw JsonError("$problem: line $line column $column (char $place)")
    }

    private companion object {
        const val HEX_DIGITS = 4
    }
}
