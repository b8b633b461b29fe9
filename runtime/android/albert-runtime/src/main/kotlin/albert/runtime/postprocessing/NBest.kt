package albert.runtime.postprocessing

import albert.runtime.Answer
import albert.runtime.Spans
import albert.runtime.TextWindow
import albert.runtime.TokenizedContext
import albert.runtime.engines.Tensor

// The n-best answers to a question: the most probable passages of its contexts, and the answer that there is none. The
// twin of `n_best.py`.

/** The windows of one context, and for each of them the logits for where an answer starts and ends. */
internal class ContextLogits(
    val context: TokenizedContext, val windows: List<TextWindow>, val starts: List<Tensor>, val ends: List<Tensor>,
)

/** How passages become answers. See the options of a call, `QuestionOptions`. */
internal class AnswerSettings(
    val topK: Int,
    val maxAnswerLength: Int,
    val alignToWords: Boolean,
    /** if it is not null, the empty answer is one of the answers */
    val nullThreshold: Double?,
)

/**
 * The best answers, best first; fewer than `topK` if there are not so many different ones.
 *
 * A passage goes from a start token to an end token in the same window. Its score is P(start) * P(end), as in Hugging
 * Face's question-answering pipeline: both distributions are softmaxes over [CLS] and those tokens of the context in the
 * window that are `selectable`. P([CLS]) * P([CLS]) is the score of "there is no answer"; with several windows, the least
 * of them counts, because the answer need be in only one window. The empty answer ranks above a passage if the logarithm
 * of its score is larger by more than the null threshold, which is `null_score_diff_threshold` of run_squad.
 *
 * @throws albert.runtime.BundleError the logits are not finite
 */
internal fun bestAnswers(contexts: List<ContextLogits>, settings: AnswerSettings): List<Answer> {
    val found = mutableListOf<Passage>()
    var logNull = Double.POSITIVE_INFINITY
    contexts.forEachIndexed { index, one ->
        val spans = if (settings.alignToWords) one.context.wordSpans else one.context.tokenSpans
        one.windows.forEachIndexed { number, window ->
            val logStarts = logProbabilities(one.starts[number].values, window, one.context.selectable)
            val logEnds = logProbabilities(one.ends[number].values, window, one.context.selectable)
            logNull = minOf(logNull, logStarts[0] + logEnds[0])
            val different = mutableSetOf<String>()
            for (passage in passages(logStarts, logEnds, window, spans, index, settings)) {
                found += passage
                different += one.context.text.substring(passage.start, passage.end)
                if (different.size == settings.topK) break
            }
        }
    }
    return rankAnswers(
        contexts.map { it.context.text }, found, settings.topK, Math.exp(logNull),
        settings.nullThreshold?.let { logNull - it },
    )
}

/** The logarithms of the probabilities of [CLS] and of each token of the context in the window, in that order. */
private fun logProbabilities(logits: FloatArray, window: TextWindow, selectable: BooleanArray): DoubleArray {
    val values = finite(floatArrayOf(logits[0]) + logits.copyOfRange(window.begin, window.end))
    for (token in 0 until window.size) if (!selectable[window.first + token]) values[token + 1] = Double.NEGATIVE_INFINITY
    var total = values[0]
    for (place in 1 until values.size) total = logAddExp(total, values[place])
    for (place in values.indices) values[place] -= total
    return values
}

/** The passages of one window, best first; only one if `topK` is 1. */
private fun passages(
    logStarts: DoubleArray, logEnds: DoubleArray, window: TextWindow, spans: Spans, context: Int, settings: AnswerSettings,
): Sequence<Passage> {
    val count = window.size
    val longest = minOf(settings.maxAnswerLength, count)
    if (longest == 0) return emptySequence()
    // Models may start an answer at a bare "▁", because a word begins there, but no answer ends at one: it has no
    // characters, unless it is extended to a word.
    val sums = DoubleArray(count * longest) { place ->
        val last = place / longest + place % longest
        val visible = last < count && spans.starts[window.first + last] != spans.ends[window.first + last]
        if (visible) logStarts[1 + place / longest] + logEnds[1 + last] else Double.NEGATIVE_INFINITY
    }
    val order = if (settings.topK == 1) {
        sequenceOf(argmax(sums))
    } else {
        sums.indices.filter { sums[it] != Double.NEGATIVE_INFINITY }.sortedByDescending { sums[it] }.asSequence()
    }
    return order.filter { sums[it] != Double.NEGATIVE_INFINITY }.map { place ->
        val first = window.first + place / longest
        Passage(sums[place], spans.starts[first], spans.ends[first + place % longest], context)
    }
}
