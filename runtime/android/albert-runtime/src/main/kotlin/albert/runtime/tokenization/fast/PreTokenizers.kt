package albert.runtime.tokenization.fast

import albert.runtime.PythonText
import albert.runtime.UnsupportedError
import albert.runtime.tokenization.AlignedText
import albert.runtime.tokenization.WORD_START
import albert.runtime.tokenization.isPunctuation
import albert.runtime.tokenization.isSpace
import albert.runtime.tokenization.isTrue
import albert.runtime.tokenization.isWordCharacter
import albert.runtime.tokenization.words

// The pre-tokenizers of a tokenizer.json: each splits a text into words. The twin of `fast/pre_tokenizers.py`.

/** One text -> its words. */
internal fun interface Split {
    /** The words of [text]; none is empty. */
    fun split(text: AlignedText): List<AlignedText>
}

/**
 * The pre-tokenizer that [record], a part of a tokenizer.json, describes; null leaves the text whole.
 *
 * @throws UnsupportedError there is no such pre-tokenizer, or it is written in another way
 */
internal fun readPreTokenizer(record: Any?): Split {
    if (record == null) return Split(::whole)
    val kind = if (record is Map<*, *>) record["type"] else record
    try {
        return when (kind) {
            "Sequence" -> sequence(fields(record))
            "Metaspace" -> metaspace(fields(record))
            "WhitespaceSplit" -> Split { text -> words(text.codes).map { (start, end) -> text.part(start, end) } }
            "Whitespace" -> Split { text -> runs(text, ::kindOf).filterNot { isSpace(it.codes[0]) } }
            "BertPreTokenizer" -> Split(::bert)
            else -> throw RuleException("there is no such kind")
        }
    } catch (error: RuleException) {
        throw UnsupportedError("the pre-tokenizer ${PythonText.repr(kind)} in tokenizer.json is not supported (${error.message})", error)
    }
}

private fun whole(text: AlignedText): List<AlignedText> = if (text.size > 0) listOf(text) else emptyList()

private fun sequence(record: Map<*, *>): Split {
    val steps =
        (record["pretokenizers"] as? List<*> ?: throw RuleException("pretokenizers must be a list")).map(::readPreTokenizer)
    return Split { text -> steps.fold(whole(text)) { parts, step -> parts.flatMap(step::split) } }
}

private fun metaspace(record: Map<*, *>): Split {
    val mark = WORD_START.code
    if (record["replacement"] != WORD_START.toString()) throw RuleException("replacement is ${PythonText.repr(record["replacement"])}")
    val prefix = "add_prefix_space" !in record || isTrue(record["add_prefix_space"])
    val scheme = record["prepend_scheme"].takeIf(::isTrue) ?: if (prefix) "always" else "never"
    if (scheme !in listOf("always", "first", "never")) throw RuleException("prepend_scheme is ${PythonText.repr(scheme)}")
    val splits = "split" !in record || isTrue(record["split"])
    return Split { given ->
        var text = if (given.codes.any { it == ' '.code }) {
            AlignedText(IntArray(given.size) { if (given.codes[it] == ' '.code) mark else given.codes[it] }, given.starts, given.ends)
        } else {
            given
        }
        val begins = scheme == "always" || (scheme == "first" && text.size > 0 && text.starts[0] == 0)
        if (begins && text.size > 0 && text.codes[0] != mark) text = text.prefixed(mark)
        if (splits) wordsAtMarks(text, mark) else whole(text)
    }
}

/** The parts of [text], each of which begins at a [mark], except for the first one. */
private fun wordsAtMarks(text: AlignedText, mark: Int): List<AlignedText> {
    val found = ArrayList<AlignedText>()
    var start = 0
    for (place in 1..text.size) {
        if (place < text.size && text.codes[place] != mark) continue
        if (place > start) found += text.part(start, place)
        start = place
    }
    return found
}

private fun kindOf(code: Int): Int = if (isWordCharacter(code)) 0 else if (isSpace(code)) 1 else 2

/** The runs of characters that are of the same kind. */
private inline fun runs(text: AlignedText, kind: (Int) -> Int): List<AlignedText> {
    val found = ArrayList<AlignedText>()
    var start = 0
    for (place in 1..text.size) {
        if (place < text.size && kind(text.codes[place]) == kind(text.codes[start])) continue
        if (place > start) found += text.part(start, place)
        start = place
    }
    return found
}

private fun bert(text: AlignedText): List<AlignedText> {
    val found = ArrayList<AlignedText>()
    for ((begin, stop) in words(text.codes)) {
        var start = begin
        for (place in begin until stop) {
            if (!isPunctuation(text.codes[place])) continue
            if (place > start) found += text.part(start, place)
            found += text.part(place, place + 1)
            start = place + 1
        }
        if (stop > start) found += text.part(start, stop)
    }
    return found
}
