package albert.runtime.postprocessing

import albert.runtime.Answer

// The ranking of the passages that were found for a question, with the answer that there is none among them. The twin of
// `ranking.py`.

/** The units [start] to [end] of a context, and the logarithm of the passage's probability. */
internal class Passage(val logScore: Double, val start: Int, val end: Int, val contextIndex: Int)

/** A passage with what it is ranked by. */
private class Ranked(val rank: Double, val score: Double, val passage: Passage)

/**
 * The best answers, best first; fewer than [topK] if there are not so many different ones.
 *
 * Passages with the same text in one context are one answer, the most probable of them. Where scores are equal, the
 * passage that comes first in the contexts is the better one.
 *
 * @param texts the contexts
 * @param passages passages of them, in any order
 * @param nullScore the probability that there is no answer
 * @param nullRank what stands for the logarithm of the score of the empty answer when it is ranked among the passages;
 *   null leaves it out
 */
internal fun rankAnswers(
    texts: List<String>, passages: Iterable<Passage>, topK: Int, nullScore: Double, nullRank: Double?,
): List<Answer> {
    val found = LinkedHashMap<Pair<Int, String>, Passage>()
    for (passage in passages) {
        val key = passage.contextIndex to texts[passage.contextIndex].substring(passage.start, passage.end)
        val known = found[key]
        if (known == null || passage.logScore > known.logScore) found[key] = passage
    }
    val ordered = found.values.sortedWith(compareBy({ it.start }, { it.end }, { it.contextIndex }))
    val ranked = ordered.map { Ranked(it.logScore, Math.exp(it.logScore), it) }.toMutableList()
    if (nullRank != null) ranked += Ranked(nullRank, nullScore, Passage(0.0, 0, 0, 0))
    // The sort is stable.
    return ranked.sortedByDescending { it.rank }.take(topK).map { one ->
        val (start, end) = one.passage.start to one.passage.end
        Answer(texts[one.passage.contextIndex].substring(start, end), one.score, start, end, nullScore, one.passage.contextIndex)
    }
}
