package albert.runtime.postprocessing

import albert.runtime.BundleError
import albert.runtime.engines.Tensor

// Logits -> probabilities, and the checks that every kind of answer needs. The twin of `probabilities.py`.
// Logits are float32; probabilities are computed in float64, so that a distribution over the tokens of a long document
// still adds up to 1.

/** The smallest normal float64; the logarithm of 0 is taken to be that of this number. */
private const val LEAST = 2.2250738585072014e-308

/** Probabilities of one row of logits. Throws a [BundleError] if there is NaN or infinity among them. */
internal fun softmax(logits: FloatArray): DoubleArray {
    val values = finite(logits)
    val largest = values.maxOrNull() ?: return values
    var sum = 0.0
    for (place in values.indices) {
        values[place] = Math.exp(values[place] - largest)
        sum += values[place]
    }
    for (place in values.indices) values[place] /= sum
    return values
}

/** The softmax of each row of the last axis. */
internal fun softmaxRows(logits: Tensor): List<DoubleArray> = List(logits.rows) { softmax(logits.row(it)) }

/**
 * The logits in float64.
 *
 * @throws BundleError there is NaN or infinity among them, which a graph in half precision gives when it overflows
 */
internal fun finite(logits: FloatArray): DoubleArray {
    if (logits.any { it.isNaN() || it.isInfinite() }) {
        throw BundleError(
            "the model gave values that are not numbers (NaN or infinity); " +
                "export it again in a higher precision: albert-export onnx --precision fp32",
        )
    }
    return DoubleArray(logits.size) { logits[it].toDouble() }
}

/** log(exp(a) + exp(b)), step by step as numpy's `logaddexp` computes it. */
internal fun logAddExp(a: Double, b: Double): Double {
    if (a == b) return a + Math.log(2.0)
    val difference = a - b
    return if (difference > 0) a + Math.log1p(Math.exp(-difference)) else b + Math.log1p(Math.exp(difference))
}

/** The logarithm of a probability; that of 0 is the logarithm of the smallest number above it. */
internal fun logOf(probability: Double): Double = Math.log(maxOf(probability, LEAST))

/** The probability whose logarithm of the odds is [value], in a form that does not overflow. */
internal fun sigmoid(value: Double): Double = Math.exp(-logAddExp(0.0, -value))

/** The logarithm of the odds: the inverse of the sigmoid function. */
internal fun logit(probability: Double): Double = logOf(probability) - logOf(1.0 - probability)

/** The place of the largest number, the first of them if there are several. */
internal fun argmax(values: DoubleArray): Int {
    var best = 0
    for (place in values.indices) if (values[place] > values[best]) best = place
    return best
}

/** The same for float32. */
internal fun argmax(values: FloatArray): Int {
    var best = 0
    for (place in values.indices) if (values[place] > values[best]) best = place
    return best
}

/** Check that there is one logit for each label. */
internal fun checkLabelCount(count: Int, labels: List<String>) {
    if (count != labels.size) {
        throw BundleError(
            "the model gives $count scores, and the bundle's manifest names ${labels.size} labels: " +
                "${labels.joinToString(", ")}; export the model again",
        )
    }
}
