package albert.runtime.tokenization

import albert.runtime.PythonText
import java.text.Normalizer

// Characters as Python sees them, each by its code point.

/** Stands for what can't be encoded, such as a lone surrogate. */
internal const val REPLACEMENT = 0xFFFD

/** Characters of Case_Ignorable (Unicode, DerivedCoreProperties.txt) whose category does not say so. */
private const val IGNORED_BY_CASE = "'.:^`\u00a8\u00ad\u00af\u00b4\u00b7\u00b8\u0387\u055f\u05f4\u2018\u2019\u2024\u2027" +
    "\ufe13\ufe52\ufe55\uff07\uff0e\uff1a"
private const val CAPITAL_SIGMA = 0x3A3
private const val SMALL_SIGMA = 0x3C3
private const val FINAL_SIGMA = 0x3C2
private const val CAPITAL_I_WITH_DOT = 0x130
private val NOTHING = IntArray(0)
private val SMALL_I_WITH_DOT = intArrayOf('i'.code, 0x307)

/** The code points of [text]. */
internal fun codePoints(text: String): IntArray {
    val found = IntArray(text.codePointCount(0, text.length))
    var place = 0
    for (index in found.indices) {
        found[index] = text.codePointAt(place)
        place += Character.charCount(found[index])
    }
    return found
}

/** The text of code points. */
internal fun textOf(codes: IntArray, start: Int = 0, end: Int = codes.size): String = String(codes, start, end - start)

/** Whether the character is of white space. */
internal fun isSpace(code: Int): Boolean = PythonText.isSpace(code)

/** Unicode's category, one of the constants of [Character]. */
internal fun category(code: Int): Byte = Character.getType(code).toByte()

/** Whether the category is one of the marks (M). */
internal fun isMark(code: Int): Boolean = when (category(code)) {
    Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK -> true
    else -> false
}

/** Whether the category is one of "other" (C): control, format, surrogate, private use, or not assigned. */
internal fun isOther(code: Int): Boolean = when (category(code)) {
    Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED -> true
    else -> false
}

/** Whether `\w` of Python's regular expressions matches the character. */
internal fun isWordCharacter(code: Int): Boolean = code == '_'.code || Character.isLetter(code) ||
    when (category(code)) {
        Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> true
        else -> false
    }

/** What one character by itself is in lower case; null if it stays as it is. */
internal fun lowerCase(code: Int): IntArray? {
    if (code < 0x80) return if (code in 'A'.code..'Z'.code) intArrayOf(code + 32) else null
    if (code == CAPITAL_I_WITH_DOT) return SMALL_I_WITH_DOT
    val lower = Character.toLowerCase(code)
    return if (lower == code) null else intArrayOf(lower)
}

/** The sigma that the capital at [place] becomes, which depends on the letters around it, as in Python's `str.lower`. */
internal fun lowerSigma(codes: IntArray, place: Int): Int {
    var before = place - 1
    while (before >= 0 && isCaseIgnorable(codes[before])) before--
    if (before < 0 || !isCased(codes[before])) return SMALL_SIGMA
    var after = place + 1
    while (after < codes.size && isCaseIgnorable(codes[after])) after++
    return if (after == codes.size || !isCased(codes[after])) FINAL_SIGMA else SMALL_SIGMA
}

/** Whether the character is the capital sigma. */
internal fun isCapitalSigma(code: Int): Boolean = code == CAPITAL_SIGMA

private fun isCased(code: Int): Boolean =
    Character.isLowerCase(code) || Character.isUpperCase(code) || Character.isTitleCase(code)

private fun isCaseIgnorable(code: Int): Boolean = when (category(code)) {
    Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.FORMAT, Character.MODIFIER_LETTER,
    Character.MODIFIER_SYMBOL,
    -> true
    else -> code < 0x10000 && code.toChar() in IGNORED_BY_CASE
}

/** The text of one character in a normalization form, as code points. */
internal fun normalized(code: Int, form: Normalizer.Form): IntArray =
    codePoints(Normalizer.normalize(String(Character.toChars(code)), form))

/** The compatibility decomposition (NFKD) of one character without its combining marks; null if it stays as it is. */
internal fun withoutAccents(code: Int): IntArray? {
    if (code < 0x80) return null
    if (isCombining(code)) return NOTHING
    return normalized(code, Normalizer.Form.NFKD).filterNot(::isCombining).unless(code)
}

/** The canonical decomposition (NFD) of one character without its nonspacing marks; null if it stays as it is. */
internal fun withoutMarks(code: Int): IntArray? {
    if (code < 0x80) return null
    return normalized(code, Normalizer.Form.NFD).filterNot { category(it) == Character.NON_SPACING_MARK }.unless(code)
}

private fun List<Int>.unless(code: Int): IntArray? = if (size == 1 && this[0] == code) null else toIntArray()
