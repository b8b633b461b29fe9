package albert.runtime.postprocessing

import albert.runtime.Choice
import albert.runtime.Filled
import albert.runtime.Label
import albert.runtime.SentenceOrder
import albert.runtime.engines.Tensor

// Labels of a text, the best of several choices, and the order of two texts. The twin of `classification.py`.

private const val MULTI_LABEL = "multi_label_classification"
private const val REGRESSION = "regression"

/** The functions that turn logits into scores, by the names of Hugging Face's `function_to_apply`. */
internal val FUNCTIONS: Map<String, (FloatArray) -> DoubleArray> = linkedMapOf(
    "softmax" to ::softmax,
    "sigmoid" to { logits -> finite(logits).also { for (place in it.indices) it[place] = sigmoid(it[place]) } },
    "none" to ::finite,
)

/**
 * The function that turns logits into scores if a call names none: that of Hugging Face's text-classification pipeline.
 *
 * @param problemType the value in config.json
 */
internal fun defaultFunction(problemType: Any?, labelCount: Int): String = when {
    problemType == REGRESSION -> "none"
    problemType == MULTI_LABEL || labelCount == 1 -> "sigmoid"
    else -> "softmax"
}

/**
 * The labels of a text with their scores, best first.
 *
 * @param logits one for each of [labels]
 * @param problemType the value in config.json, see [defaultFunction]
 * @param function one of [FUNCTIONS]; null for the default of the problem type
 * @param topK how many labels to return; null for all
 * @param threshold the least score of a label that is returned; null for no such limit
 * @throws albert.runtime.BundleError there are more or fewer logits than labels, or they are not finite
 */
internal fun labelText(
    logits: FloatArray, labels: List<String>, problemType: Any?, function: String?, topK: Int?, threshold: Double?,
): List<Label> {
    checkLabelCount(logits.size, labels)
    val scores = FUNCTIONS.getValue(function ?: defaultFunction(problemType, labels.size))(logits)
    return ranked(scores).take(topK ?: labels.size).map { Label(labels[it], scores[it]) }
        .filter { threshold == null || it.score >= threshold }
}

/**
 * The candidate labels of a text with their scores, best first, as in Hugging Face's zero-shot pipeline.
 *
 * @param logits the logits of the text with the hypothesis for each candidate, one for each label of the model
 * @param labels the candidate labels
 * @param entailment the index of the model's label for entailment
 * @param contradiction the index of the model's label for contradiction
 * @param multiLabel each score is the probability of entailment against contradiction; if false, the scores are a softmax
 *   of the entailment logits over all candidates. A single candidate is scored as if it were true.
 */
internal fun zeroShot(
    logits: List<FloatArray>, labels: List<String>, entailment: Int, contradiction: Int, multiLabel: Boolean,
): List<Label> {
    val scores = if (multiLabel || labels.size == 1) {
        DoubleArray(labels.size) { softmax(floatArrayOf(logits[it][contradiction], logits[it][entailment]))[1] }
    } else {
        softmax(FloatArray(labels.size) { logits[it][entailment] })
    }
    return ranked(scores).map { Label(labels[it], scores[it]) }
}

/** The best of [choices], of which each has one logit. */
internal fun choose(logits: FloatArray, choices: List<String>): Choice {
    val scores = softmax(logits)
    val best = argmax(scores)
    return Choice(best, choices[best], scores[best], scores.toList())
}

/** The order of two texts from its two logits: 0 is in order, 1 is swapped (ALBERT paper, section 3.1). */
internal fun judgeOrder(logits: Tensor, filled: List<List<Filled>>): SentenceOrder {
    val scores = softmax(logits.values)
    val inOrder = scores[0] >= scores[1]
    return SentenceOrder(if (inOrder) "in order" else "swapped", inOrder, maxOf(scores[0], scores[1]), filled)
}

/** The places of the scores, best first; equal ones stay in their order. */
internal fun ranked(scores: DoubleArray): List<Int> = scores.indices.sortedByDescending { scores[it] }
