package albert.runtime

import albert.runtime.engines.Tensor
import albert.runtime.tokenization.Encoding

/** The outputs of a graph by name. */
typealias Outputs = Map<String, Tensor>

/**
 * A request that has been checked and tokenized, and the postprocessing that turns its outputs into the answer.
 *
 * @property encodings the sequences to run: one, or one for each window of a long text, or one for each choice
 * @property finish the outputs of each sequence, without the batch axis and in the same order -> the answer
 */
class PreparedRequest<out A>(val encodings: List<Encoding>, val finish: (List<Outputs>) -> A) {
    /** The same request with its answer in another form. */
    internal fun <B> map(change: (A) -> B): PreparedRequest<B> = PreparedRequest(encodings) { change(finish(it)) }
}

/** [text], if it can be part of a request. Throws a [UsageError] if it holds nothing but white space. */
internal fun checkText(name: String, text: String): String {
    if (PythonText.isBlank(text)) {
        throw UsageError("$name is empty${if (text.isEmpty()) "" else " but for white space"}; give it some text")
    }
    return text
}

/** [count], if it is not less than [least]; otherwise a [UsageError]. */
internal fun checkCount(name: String, count: Int, least: Int = 1): Int {
    if (count < least) throw UsageError("$name must be a whole number, $least or more, not $count")
    return count
}

/**
 * The keyword arguments of a call of the Python session, as JSON: in the self-test of a manifest and in test vectors.
 *
 * What is wrong with them is an [IllegalArgumentException], because the writer of the file made the mistake.
 */
internal class CallArguments(private val call: Map<String, Any?>, private val known: List<String>) {
    init {
        val foreign = call.keys - known.toSet()
        require(foreign.isEmpty()) { "unknown arguments ${foreign.joinToString(", ")}; there are ${known.joinToString(", ")}" }
    }

    fun text(name: String): String = textOrNull(name) ?: throw IllegalArgumentException("$name is missing")

    fun textOrNull(name: String): String? = of(name, "a text") { it as? String }

    /** A list of texts, or one text by itself. */
    fun textsOrNull(name: String): List<String>? = of(name, "a list of texts") { value ->
        (value as? String)?.let { listOf(it) } ?: (value as? List<*>)?.takeIf { all -> all.all { it is String } }?.map { it as String }
    }

    fun isList(name: String): Boolean = call[name] is List<*>

    fun intOrNull(name: String): Int? = of(name, "a whole number") { (it as? Long)?.let(Math::toIntExact) }

    fun int(name: String, usual: Int): Int = intOrNull(name) ?: usual

    fun numberOrNull(name: String): Double? = of(name, "a number") { (it as? Number)?.toDouble() }

    fun flagOrNull(name: String): Boolean? = of(name, "true or false") { it as? Boolean }

    private fun <T : Any> of(name: String, expected: String, read: (Any) -> T?): T? {
        val value = call[name] ?: return null
        return requireNotNull(read(value)) { "$name must be $expected, not ${PythonText.repr(value)}" }
    }
}
