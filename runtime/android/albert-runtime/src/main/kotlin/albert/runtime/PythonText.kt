package albert.runtime

/** Texts as Python sees them, where the JVM's own functions differ: white space, and values in error messages. */
internal object PythonText {
    /** Whether Python counts [code] as white space; the JVM's functions leave out or add some of these. */
    fun isSpace(code: Int): Boolean = when (code) {
        in 0x09..0x0d, in 0x1c..0x20, 0x85, 0xa0, 0x1680, in 0x2000..0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 -> true
        else -> false
    }

    /** [text] without the white space at both ends. No white space is outside the basic plane, so units will do. */
    fun strip(text: String): String = stripEnd(stripStart(text))

    /** [text] without the white space at its beginning. */
    fun stripStart(text: String): String = text.dropWhile { isSpace(it.code) }

    /** [text] without the white space at its end. */
    fun stripEnd(text: String): String = text.dropLastWhile { isSpace(it.code) }

    /** Whether [text] holds nothing but white space; true for the empty text too. */
    fun isBlank(text: String): Boolean = text.all { isSpace(it.code) }

    /** A value of JSON as Python's `repr` writes it. */
    fun repr(value: Any?): String = when (value) {
        null -> "None"
        true -> "True"
        false -> "False"
        is String -> quote(value)
        is Double -> number(value)
        is Float -> number(value.toDouble())
        is List<*> -> value.joinToString(", ", "[", "]") { repr(it) }
        is Map<*, *> -> value.entries.joinToString(", ", "{", "}") { "${repr(it.key)}: ${repr(it.value)}" }
        else -> value.toString()
    }

    /** A list as Python's `repr` writes a tuple. */
    fun reprTuple(values: List<*>): String =
        if (values.size == 1) "(${repr(values[0])},)" else values.joinToString(", ", "(", ")") { repr(it) }

    /** What Python calls the type of a value of JSON. */
    fun typeName(value: Any?): String = when (value) {
        null -> "NoneType"
        is Boolean -> "bool"
        is String -> "str"
        is Int, is Long -> "int"
        is Float, is Double -> "float"
        is List<*> -> "list"
        is Map<*, *> -> "dict"
        else -> value.javaClass.simpleName
    }

    /** A number as Python writes it: 2.0, 1e-05, 1e+16, nan, inf. */
    fun number(value: Double): String {
        if (value.isNaN()) return "nan"
        if (value.isInfinite()) return if (value > 0) "inf" else "-inf"
        val text = value.toString()
        val mark = text.indexOf('E')
        if (mark < 0) return text
        val exponent = text.substring(mark + 1).toInt()
        if (exponent in -4..15) return java.math.BigDecimal(text).toPlainString().let { if ('.' in it) it else "$it.0" }
        val digits = text.substring(0, mark).removeSuffix(".0")
        val size = Math.abs(exponent).toString().padStart(2, '0')
        return "${digits}e${if (exponent < 0) "-" else "+"}$size"
    }

    private fun quote(text: String): String {
        val mark = if ('\'' in text && '"' !in text) '"' else '\''
        val quoted = StringBuilder().append(mark)
        var place = 0
        while (place < text.length) {
            val code = text.codePointAt(place)
            place += Character.charCount(code)
            when {
                code == mark.code || code == '\\'.code -> quoted.append('\\').appendCodePoint(code)
                code == '\n'.code -> quoted.append("\\n")
                code == '\r'.code -> quoted.append("\\r")
                code == '\t'.code -> quoted.append("\\t")
                isPrintable(code) -> quoted.appendCodePoint(code)
                code < 0x100 -> quoted.append(String.format("\\x%02x", code))
                code < 0x10000 -> quoted.append(String.format("\\u%04x", code))
                else -> quoted.append(String.format("\\U%08x", code))
            }
        }
        return quoted.append(mark).toString()
    }

    private fun isPrintable(code: Int): Boolean = code == ' '.code || when (Character.getType(code).toByte()) {
        Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
        Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR,
        -> false
        else -> true
    }
}
