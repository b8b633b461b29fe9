package albert.runtime.postprocessing

import albert.runtime.Answer
import albert.runtime.PythonText
import albert.runtime.TextWindow
import albert.runtime.TokenizedContext

// The n-best answers of Google's head for SQuAD v2.0, which names the best starts, and the best ends for each. The twin of
// `beam_search.py`.

/** The windows of one context, and the beams of each. */
internal class ContextBeams(val context: TokenizedContext, val windows: List<TextWindow>, val beams: List<Beams>)

/**
 * The best answers, best first; at least one, and fewer than `topK` if there are not so many different ones.
 *
 * As in `accumulate_predictions_v2` and `write_predictions_v2` of google-research/albert `squad_utils.py`, a passage goes
 * from a start of the beam to one of the ends found for it, and its score is P(start) * P(end | start). Of a token in
 * several windows, only the window that shows most around it may start an answer there. `nullScore` is the probability of
 * "there is no answer", the sigmoid of the least `cls_logits` of all windows; unlike with the other head, it does not
 * depend on the passages. The empty answer is the best one if the least `cls_logits` is above the null threshold, and
 * comes after all passages otherwise.
 *
 * @throws albert.runtime.BundleError the outputs are not finite
 */
internal fun bestBeamAnswers(contexts: List<ContextBeams>, settings: AnswerSettings): List<Answer> {
    val least = contexts.minOf { one -> one.beams.minOf { it.clsLogit } }
    val nullScore = sigmoid(least)
    val nullRank = settings.nullThreshold?.let { threshold ->
        // The logit of the rounded score is compared, since that is what thresholds are made of.
        if (logit(nullScore) > threshold) Double.POSITIVE_INFINITY else Double.NEGATIVE_INFINITY
    }
    val found = contexts.flatMapIndexed { index, one -> passages(one, index, settings) }
    val answers = rankAnswers(contexts.map { it.context.text }, found, settings.topK, nullScore, nullRank)
    // If no start of any window has an end behind it, Google's script writes an empty answer too.
    return answers.ifEmpty { listOf(Answer("", 0.0, 0, 0, nullScore)) }
}

/** The passages of one context that its windows' beams hold and that can be answers. */
private fun passages(found: ContextBeams, index: Int, settings: AnswerSettings): List<Passage> {
    val context = found.context
    val spans = if (settings.alignToWords) context.wordSpans else context.tokenSpans
    val mayStart = bestSeen(found.windows)
    val passages = mutableListOf<Passage>()
    found.windows.forEachIndexed { number, window ->
        val beams = found.beams[number]
        beams.starts.forEachIndexed starts@{ beam, position ->
            val start = position - window.begin
            if (start < 0 || start >= window.size || !mayStart[number][start]) return@starts
            beams.ends[beam].forEachIndexed ends@{ place, endPosition ->
                val end = endPosition - window.begin
                if (end < start || end >= minOf(window.size, start + settings.maxAnswerLength)) return@ends
                val first = spans.starts[window.first + start]
                val last = spans.ends[window.first + end]
                val text = context.text.substring(first, maxOf(first, last))
                val stripped = last - PythonText.stripStart(text).length to first + PythonText.stripEnd(text).length
                // A bare "▁" has no characters, and an empty answer would say that there is none.
                if (stripped.first < stripped.second) {
                    val logScore = beams.startLogProbs[beam] + beams.endLogProbs[beam][place]
                    passages += Passage(logScore, stripped.first, stripped.second, index)
                }
            }
        }
    }
    return passages
}

/**
 * For each window and each token in it, whether no other window shows more around the token. This is
 * `_check_is_max_context` of squad_utils.py: what counts is the side on which a window shows less.
 */
private fun bestSeen(windows: List<TextWindow>): List<BooleanArray> {
    val count = windows.last().first + windows.last().size
    val best = IntArray(count)
    val scores = DoubleArray(count) { Double.NEGATIVE_INFINITY }
    windows.forEachIndexed { number, window ->
        for (place in 0 until window.size) {
            val score = minOf(place, window.size - 1 - place) + 0.01 * window.size
            if (score > scores[window.first + place]) {
                scores[window.first + place] = score
                best[window.first + place] = number
            }
        }
    }
    return windows.mapIndexed { number, window -> BooleanArray(window.size) { best[window.first + it] == number } }
}
