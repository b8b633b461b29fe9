package albert.runtime.tokenization.fast

import albert.runtime.PythonText
import albert.runtime.UnsupportedError
import albert.runtime.tokenization.AlignedText
import albert.runtime.tokenization.TextNormalizer
import albert.runtime.tokenization.apart
import albert.runtime.tokenization.category
import albert.runtime.tokenization.codePoints
import albert.runtime.tokenization.isChinese
import albert.runtime.tokenization.isMark
import albert.runtime.tokenization.isOther
import albert.runtime.tokenization.isSpace
import albert.runtime.tokenization.isTrue
import albert.runtime.tokenization.lowerCase
import java.text.Normalizer.Form

// The normalizers of a tokenizer.json: each is a function of the text. The twin of `fast/normalizers.py`.

private val NOTHING = IntArray(0)
private val SPACE = intArrayOf(' '.code)

/** A part of a tokenizer.json is not written as it must be; the message says what of it. */
internal class RuleException(message: String) : Exception(message)

/**
 * The normalizer that [record], a part of a tokenizer.json, describes; null leaves the text as it is.
 *
 * @throws UnsupportedError there is no such normalizer, or it is written in another way
 */
internal fun readNormalizer(record: Any?): TextNormalizer {
    if (record == null) return TextNormalizer { it }
    val kind = if (record is Map<*, *>) record["type"] else record
    try {
        return when (kind) {
            "NFC", "NFD", "NFKC", "NFKD" -> Form.valueOf(kind as String).let { form -> TextNormalizer { it.normalized(form) } }
            "Sequence" -> sequence(fields(record))
            "Replace" -> replace(fields(record))
            "Strip" -> strip(fields(record))
            "BertNormalizer" -> bert(fields(record))
            "Precompiled" -> PrecompiledCharsmap(textIn(fields(record), "precompiled_charsmap", ""))
            "StripAccents" -> TextNormalizer { text -> text.mapCharacters(::withoutMarksOfAnyKind) }
            "Lowercase" -> TextNormalizer { text -> text.mapCharacters(::lowerCase) }
            else -> throw RuleException("there is no such kind")
        }
    } catch (error: RuleException) {
        throw UnsupportedError("the normalizer ${PythonText.repr(kind)} in tokenizer.json is not supported (${error.message})", error)
    }
}

/** The fields of a part of a tokenizer.json. */
internal fun fields(record: Any?): Map<*, *> = record as? Map<*, *> ?: throw RuleException("it must be an object")

private fun textIn(record: Map<*, *>, name: String, default: String? = null): String =
    record[name] as? String ?: default ?: throw RuleException("$name must be a text")

private fun sequence(record: Map<*, *>): TextNormalizer {
    val steps = (record["normalizers"] as? List<*> ?: throw RuleException("normalizers must be a list")).map(::readNormalizer)
    return TextNormalizer { text -> steps.fold(text) { before, step -> step.normalize(before) } }
}

private fun replace(record: Map<*, *>): TextNormalizer {
    val (kind, given) = (record["pattern"] as? Map<*, *>)?.entries?.singleOrNull() ?: throw RuleException("pattern must be an object")
    if (given !is String || given.isEmpty()) throw RuleException("pattern must hold a text")
    val pattern = try {
        when (kind) {
            "String" -> Regex(Regex.escape(given))
            "Regex" -> Regex(given)
            else -> throw RuleException("pattern must be a String or a Regex")
        }
    } catch (error: java.util.regex.PatternSyntaxException) {
        throw RuleException(error.description)
    }
    val content = codePoints(textIn(record, "content"))
    return TextNormalizer { it.replaced(pattern, content) }
}

private fun strip(record: Map<*, *>): TextNormalizer {
    for (name in listOf("strip_left", "strip_right")) if (name !in record) throw RuleException("$name is missing")
    val left = isTrue(record["strip_left"])
    val right = isTrue(record["strip_right"])
    return TextNormalizer { text ->
        val begun = if (left) text.stripStart() else text
        if (right) begun.stripEnd() else begun
    }
}

private fun bert(record: Map<*, *>): TextNormalizer {
    fun flag(name: String) = name !in record || isTrue(record[name])
    val lower = flag("lowercase")
    val accents = record["strip_accents"].let { if (it == null) lower else isTrue(it) }
    val clean = flag("clean_text")
    val chinese = flag("handle_chinese_chars")
    return TextNormalizer { text ->
        var found = text
        if (clean) found = found.mapCharacters(::cleaned)
        if (chinese) found = found.mapCharacters { if (isChinese(it)) apart(it) else null }
        if (accents) {
            found = found.normalized(Form.NFD)
                .mapCharacters { if (category(it) == Character.NON_SPACING_MARK) NOTHING else null }
        }
        if (lower) found.mapCharacters(::lowerCase) else found
    }
}

private fun cleaned(code: Int): IntArray? {
    if (code == ' '.code) return null
    if (code == 0 || code == 0xFFFD) return NOTHING
    if (code == '\t'.code || code == '\n'.code || code == '\r'.code) return SPACE
    return if (isOther(code)) NOTHING else if (isSpace(code)) SPACE else null
}

/** Hugging Face drops marks of every kind, those that take space too: the vowel signs of Hindi are among them. */
private fun withoutMarksOfAnyKind(code: Int): IntArray? = if (isMark(code)) NOTHING else null
