package albert.runtime

import albert.runtime.bundle.Bundle
import albert.runtime.engines.IdTensor
import albert.runtime.engines.Tensor

/** Problems that a message lists; more of them would hide the first. */
private const val MOST_PROBLEMS = 20

/** Ids that a problem names. */
private const val MOST_NAMED = 8

/**
 * Sequences of token ids that have been checked against a bundle; [AlbertSession.runIds] has the arguments. The twin of
 * `token_ids.IdRequest`.
 *
 * @throws UsageError an id is not in the vocabulary, a sequence is empty or too long, or the arguments don't fit each other;
 *   the message lists all problems
 */
internal class IdRequest(
    private val bundle: Bundle, private val ids: List<IntArray>, types: List<IntArray>?, mask: List<IntArray>?,
) {
    private val types: List<IntArray> = types ?: ids.map { IntArray(it.size) }
    private val mask: List<IntArray> = mask ?: ids.map { row -> IntArray(row.size) { 1 } }

    init {
        val problems = mutableListOf<String>()
        if (ids.isEmpty()) problems += "there are no ids"
        for ((name, given) in listOf("token_type_ids" to types, "attention_mask" to mask)) {
            if (given != null && given.size != ids.size) problems += "$name must have as many sequences as input_ids"
        }
        if (problems.isEmpty()) {
            ids.indices.forEach { index ->
                val name = if (ids.size > 1) "sequence ${index + 1}: " else ""
                problems += rowProblems(index).map { name + it }
            }
        }
        if (problems.isNotEmpty()) {
            val more = problems.size - MOST_PROBLEMS
            val shown = problems.take(MOST_PROBLEMS) + if (more > 0) listOf("and $more more") else emptyList()
            throw UsageError(listed("the token ids can't be used:", shown))
        }
    }

    /** The inputs of the graph for all sequences at once. */
    fun arrays(): Map<String, IdTensor> = padded(ids.indices.toList())

    /** The outputs that [run] gives, with the batch as the first axis. */
    fun outputs(run: (Map<String, IdTensor>) -> Outputs): Outputs {
        // Graphs of a static length have a static batch too.
        if (bundle.manifest.sequenceLength == null || bundle.task.takesChoices) return run(arrays())
        val longest = ids.maxOf { it.size }
        val parts = ids.indices.map { run(padded(listOf(it))) }
        return bundle.task.outputs.mapValues { (name, axes) ->
            joined(parts.map { it.getValue(name) }, if (SEQUENCE in axes) longest else null)
        }
    }

    private fun padded(which: List<Int>): Map<String, IdTensor> {
        val length = bundle.manifest.sequenceLength ?: which.maxOf { ids[it].size }
        val pad = (bundle.config["pad_token_id"] as? Long)?.takeIf { it >= 0 } ?: 0L
        fun filled(padding: Long, rows: List<IntArray>): IdTensor {
            val numbers = LongArray(which.size * length) { padding }
            which.forEachIndexed { row, index -> rows[index].forEachIndexed { place, one -> numbers[row * length + place] = one.toLong() } }
            val shape = if (bundle.task.takesChoices) intArrayOf(1, which.size, length) else intArrayOf(which.size, length)
            return IdTensor(shape, numbers)
        }
        return INPUT_NAMES.zip(listOf(filled(pad, ids), filled(0, mask), filled(0, types))).toMap()
    }

    private fun rowProblems(index: Int): List<String> {
        val row = ids[index]
        val config = bundle.config
        if (row.isEmpty()) return listOf("there are no ids")
        val problems = valueProblems("ids", row, config["vocab_size"] as? Long, "the vocabulary's ids go").toMutableList()
        if (row.size > bundle.maxLength) problems += "there are ${row.size} ids, and the model takes ${bundle.maxLength}"
        val others = listOf(
            Triple("token_type_ids", types[index], config["type_vocab_size"] as? Long ?: 2L),
            Triple("attention_mask", mask[index], 2L),
        )
        for ((name, values, count) in others) {
            if (values.size != row.size) problems += "$name and input_ids have different lengths: ${values.size} and ${row.size}"
            problems += valueProblems("$name:", values, count, "its values go")
        }
        if (mask[index].none { it != 0 }) problems += "attention_mask is 0 for every token; at least one must count"
        return problems
    }
}

/** What is wrong with the numbers; they must be below [count], if that is known. */
private fun valueProblems(name: String, values: IntArray, count: Long?, rangeOf: String): List<String> {
    val limit = count ?: Long.MAX_VALUE
    val outside = values.filter { it < 0 || it >= limit }.distinct()
    if (outside.isEmpty()) return emptyList()
    val more = if (outside.size > MOST_NAMED) " and ${outside.size - MOST_NAMED} more" else ""
    return listOf("$name ${outside.take(MOST_NAMED).joinToString(", ")}$more: $rangeOf from 0 to ${limit - 1}")
}

/** The rows of all parts as one batch; their second axis is cut to [length], if it is the sequence. */
private fun joined(parts: List<Tensor>, length: Int?): Tensor {
    val shape = parts.first().shape.copyOf().also { it[0] = parts.size }
    if (length != null) shape[1] = length
    val count = shape.drop(1).fold(1) { product, size -> product * size }
    val values = FloatArray(parts.size * count)
    parts.forEachIndexed { row, part -> part.values.copyInto(values, row * count, 0, count) }
    return Tensor(shape, values)
}
