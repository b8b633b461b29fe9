package albert.runtime.conformance

import albert.runtime.Answer
import albert.runtime.Choice
import albert.runtime.Embedding
import albert.runtime.Entity
import albert.runtime.Filled
import albert.runtime.Label
import albert.runtime.SentenceOrder

/** An answer, or a list of answers, as JSON types with the names of Python's `to_dict`; offsets are UTF-16 units. */
internal fun recordOf(answer: Any?): Any? = when (answer) {
    is List<*> -> answer.map { recordOf(it) }
    is Answer -> mapOf(
        "text" to answer.text, "score" to answer.score, "start" to answer.start, "end" to answer.end,
        "null_score" to answer.nullScore, "context_index" to answer.contextIndex,
    )
    is Label -> mapOf("label" to answer.label, "score" to answer.score)
    is Entity -> mapOf(
        "label" to answer.label, "text" to answer.text, "score" to answer.score, "start" to answer.start, "end" to answer.end,
        "word" to answer.word, "index" to answer.index, "start_word" to answer.startWord, "end_word" to answer.endWord,
    ).filterValues { it != null }
    is Filled -> mapOf("token" to answer.token, "token_id" to answer.tokenId, "score" to answer.score, "text" to answer.text)
    is Choice -> mapOf("index" to answer.index, "text" to answer.text, "score" to answer.score, "scores" to answer.scores)
    is SentenceOrder -> mapOf(
        "label" to answer.label, "in_order" to answer.inOrder, "score" to answer.score, "filled" to recordOf(answer.filled),
    )
    is Embedding -> mapOf(
        "vector" to answer.vector.map { it.toDouble() }, "tokens" to answer.tokens.map { row -> row.map { it.toDouble() } },
    )
    else -> answer
}

/** What differs between two answers. */
internal class Comparison {
    val differences = mutableListOf<String>()

    /** the largest difference of two numbers that are no whole numbers */
    var largest = 0.0

    /**
     * Compares an answer with the one of a vector, whose offsets in UTF-16 units stand beside those in code points.
     *
     * @param tolerance the largest difference of two scores that is none
     */
    fun compare(place: String, got: Any?, expected: Any?, tolerance: Double) {
        when {
            got is Map<*, *> && expected is Map<*, *> -> {
                val wanted = expected.filterKeys { "${it}_utf16" !in expected }.mapKeys { (it.key as String).removeSuffix("_utf16") }
                if (got.keys != wanted.keys) differences += "$place: fields ${got.keys} and not ${wanted.keys}"
                for (name in got.keys.intersect(wanted.keys)) compare("$place.$name", got[name], wanted[name], tolerance)
            }
            got is List<*> && expected is List<*> -> {
                if (got.size != expected.size) differences += "$place: ${got.size} and not ${expected.size} elements"
                got.zip(expected).forEachIndexed { index, (one, other) -> compare("$place[$index]", one, other, tolerance) }
            }
            got is Double && expected is Number -> {
                val difference = Math.abs(got - expected.toDouble())
                largest = maxOf(largest, difference)
                if (!(difference <= tolerance)) differences += "$place: $got and not $expected"
            }
            got is Int && expected is Long -> if (got.toLong() != expected) differences += "$place: $got and not $expected"
            got != expected -> differences += "$place: $got and not $expected"
        }
    }
}

/** JSON of the types that [recordOf] gives, in ASCII. */
internal fun json(value: Any?): String = when (value) {
    is Map<*, *> -> value.entries.joinToString(", ", "{", "}") { "${json(it.key)}: ${json(it.value)}" }
    is List<*> -> value.joinToString(", ", "[", "]") { json(it) }
    is String -> value.map { if (it in ' '..'~' && it != '"' && it != '\\') "$it" else String.format("\\u%04x", it.code) }
        .joinToString("", "\"", "\"")
    else -> value.toString()
}
