package albert.runtime.postprocessing

import albert.runtime.engines.Tensor

/** Positions that can't be in an answer have the score -10000. No other log-probability is nearly as small. */
private const val MASKED = -5e3

/** What such a position has when outputs are compared: far from every log-probability. */
private const val MASKED_COMPARED = -1e4

/**
 * The outputs of the head "beam-search" for one sequence, best first: the most probable starts of an answer, and for each
 * of them the most probable ends. The twin of `beams.py`.
 *
 * @property clsLogit the logit of "there is no answer"
 */
internal class Beams(
    val startLogProbs: DoubleArray, val starts: IntArray, val endLogProbs: List<DoubleArray>, val ends: List<IntArray>,
    val clsLogit: Double,
) {
    companion object {
        /**
         * The beams in the outputs for one sequence, without the batch axis.
         *
         * @throws albert.runtime.BundleError the log-probabilities or the logit are not finite
         */
        fun of(outputs: Map<String, Tensor>): Beams {
            val startLogProbs = finite(outputs.getValue("start_top_log_probs").values)
            val endLogProbs = finite(outputs.getValue("end_top_log_probs").values)
            val ends = outputs.getValue("end_top_index").values
            val width = endLogProbs.size / maxOf(startLogProbs.size, 1)
            fun row(start: Int) = start * width until (start + 1) * width
            return Beams(
                startLogProbs,
                outputs.getValue("start_top_index").values.let { found -> IntArray(found.size) { found[it].toInt() } },
                startLogProbs.indices.map { endLogProbs.sliceArray(row(it)) },
                startLogProbs.indices.map { start -> row(start).map { ends[it].toInt() }.toIntArray() },
                finite(outputs.getValue("cls_logits").values)[0],
            )
        }
    }
}

/**
 * The outputs of two graphs for the same batch, as numbers that can be compared one by one.
 *
 * Rounding changes the order of positions that are nearly equally probable, and which of them is the last one in a beam.
 * So each position in either beam is compared: one that a beam lacks counts there like the beam's last, which is at least
 * as probable. The ends are compared for the starts that both have. Positions that are masked in both are left out.
 *
 * @return output name -> the numbers of both
 */
internal fun alignedBeams(
    got: Map<String, Tensor>, expected: Map<String, Tensor>,
): Map<String, Pair<DoubleArray, DoubleArray>> {
    val starts = mutableListOf<Pair<Double, Double>>()
    val ends = mutableListOf<Pair<Double, Double>>()
    for (row in 0 until expected.getValue("cls_logits").shape[0]) {
        val (one, other) = listOf(got, expected).map { outputs -> Beams.of(outputs.mapValues { it.value.part(row) }) }
        starts += pairs(one.starts, one.startLogProbs, other.starts, other.startLogProbs)
        one.starts.forEachIndexed { place, start ->
            val there = other.starts.indexOf(start)
            if (one.startLogProbs[place] > MASKED && there >= 0) {
                ends += pairs(one.ends[place], one.endLogProbs[place], other.ends[there], other.endLogProbs[there])
            }
        }
    }
    fun columns(found: List<Pair<Double, Double>>) =
        found.map { it.first }.toDoubleArray() to found.map { it.second }.toDoubleArray()
    val logits = listOf(got, expected).map { finite(it.getValue("cls_logits").values) }
    return linkedMapOf(
        "start_log_probs" to columns(starts), "end_log_probs" to columns(ends), "cls_logits" to (logits[0] to logits[1]),
    )
}

/** The log-probabilities of each position in either beam, in both of them. */
private fun pairs(
    one: IntArray, oneLogProbs: DoubleArray, other: IntArray, otherLogProbs: DoubleArray,
): List<Pair<Double, Double>> {
    fun compared(value: Double) = if (value > MASKED) value else MASKED_COMPARED
    fun table(positions: IntArray, values: DoubleArray) = positions.indices.associate { positions[it] to compared(values[it]) }
    val first = table(one, oneLogProbs)
    val second = table(other, otherLogProbs)
    return (first.keys + second.keys).sorted().map { position ->
        (first[position] ?: compared(oneLogProbs.last())) to (second[position] ?: compared(otherLogProbs.last()))
    }.filter { it != MASKED_COMPARED to MASKED_COMPARED }
}
