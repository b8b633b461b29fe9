package albert.runtime.postprocessing

import albert.runtime.Answer
import albert.runtime.engines.Tensor
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test

class RankingTest {
    private val texts = listOf("a b a", "c")

    @Test
    fun equalTextsAreOneAnswerAndEqualScoresKeepTheOrderOfTheText() {
        val passages = listOf(Passage(-1.0, 4, 5, 0), Passage(-2.0, 0, 1, 0), Passage(-1.0, 2, 3, 0), Passage(-1.0, 0, 1, 1))
        val answers = rankAnswers(texts, passages, topK = 9, nullScore = 0.25, nullRank = -1.0)
        val expected = Math.exp(-1.0)
        assertEquals(
            listOf(
                Answer("c", expected, 0, 1, 0.25, 1), Answer("b", expected, 2, 3, 0.25, 0), Answer("a", expected, 4, 5, 0.25, 0),
                Answer("", 0.25, 0, 0, 0.25, 0),
            ),
            answers,
        )
    }

    @Test
    fun theEmptyAnswerIsRankedByItsOwnNumber() {
        val passages = listOf(Passage(-1.0, 0, 1, 0))
        assertEquals("", rankAnswers(texts, passages, 1, 0.25, Double.POSITIVE_INFINITY).single().text)
        assertEquals("a", rankAnswers(texts, passages, 1, 0.25, Double.NEGATIVE_INFINITY).single().text)
        assertEquals(listOf("a"), rankAnswers(texts, passages, 5, 0.25, null).map { it.text })
    }

    @Test
    fun beamsAreComparedPositionByPosition() {
        fun outputs(starts: FloatArray, logProbs: FloatArray) = mapOf(
            "start_top_log_probs" to Tensor(intArrayOf(1, 2), logProbs), "start_top_index" to Tensor(intArrayOf(1, 2), starts),
            "end_top_log_probs" to Tensor(intArrayOf(1, 4), floatArrayOf(-1f, -2f, -1f, -10000f)),
            "end_top_index" to Tensor(intArrayOf(1, 4), floatArrayOf(5f, 6f, 7f, 0f)),
            "cls_logits" to Tensor(intArrayOf(1), floatArrayOf(0.5f)),
        )
        val found = alignedBeams(outputs(floatArrayOf(3f, 4f), floatArrayOf(-1f, -2f)), outputs(floatArrayOf(4f, 8f), floatArrayOf(-1.5f, -2f)))
        val (got, expected) = found.getValue("start_log_probs")
        assertArrayEquals(doubleArrayOf(-1.0, -2.0, -2.0), got, 0.0) // positions 3, 4 and 8
        assertArrayEquals(doubleArrayOf(-2.0, -1.5, -2.0), expected, 0.0)
        // The ends (0, 5, 6 and 7) of position 4, which is the second start here and the first one there.
        assertArrayEquals(doubleArrayOf(-10000.0, -10000.0, -10000.0, -1.0), found.getValue("end_log_probs").first, 0.0)
        assertArrayEquals(doubleArrayOf(-2.0, -1.0, -2.0, -2.0), found.getValue("end_log_probs").second, 0.0)
    }
}
