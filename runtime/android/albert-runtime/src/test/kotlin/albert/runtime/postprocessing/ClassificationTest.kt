package albert.runtime.postprocessing

import albert.runtime.BundleError
import albert.runtime.Label
import albert.runtime.engines.Tensor
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class ClassificationTest {
    private val labels = listOf("a", "b", "c")

    private fun scores(problemType: Any?, function: String? = null, logits: FloatArray = floatArrayOf(1f, 3f, 1f)): List<Label> =
        labelText(logits, labels.take(logits.size), problemType, function, null, null)

    @Test
    fun theProblemTypeDecidesTheFunction() {
        assertEquals(0.7869860421615985, scores(null)[0].score, 1e-15)
        assertEquals(0.9525741268224334, scores("multi_label_classification")[0].score, 1e-15)
        assertEquals(3.0, scores("regression")[0].score, 0.0)
        assertEquals(0.7310585786300049, scores(null, logits = floatArrayOf(1f))[0].score, 1e-15)
        assertEquals(3.0, scores(null, "none")[0].score, 0.0)
    }

    @Test
    fun equalScoresStayInTheirOrder() {
        assertEquals(listOf("b", "a", "c"), scores(null).map { it.label })
        assertEquals(listOf("b"), labelText(floatArrayOf(1f, 3f, 1f), labels, null, null, 1, null).map { it.label })
        assertEquals(listOf("b"), labelText(floatArrayOf(1f, 3f, 1f), labels, null, null, null, 0.2).map { it.label })
    }

    @Test
    fun largeLogitsDoNotOverflow() {
        assertArrayEquals(doubleArrayOf(1.0, 0.0), softmax(floatArrayOf(3e38f, -3e38f)), 0.0)
        assertEquals(0.0, sigmoid(-1e5), 0.0)
        assertEquals(1.0, sigmoid(1e5), 0.0)
    }

    @Test
    fun zeroShotComparesCandidatesOrEntailmentWithContradiction() {
        val logits = listOf(floatArrayOf(1f, 0f, 2f), floatArrayOf(0f, 0f, 3f))
        val exclusive = zeroShot(logits, listOf("x", "y"), entailment = 2, contradiction = 0, multiLabel = false)
        assertEquals(listOf("y", "x"), exclusive.map { it.label })
        assertEquals(0.7310585786300049, exclusive[0].score, 1e-15)
        val several = zeroShot(logits, listOf("x", "y"), entailment = 2, contradiction = 0, multiLabel = true)
        assertEquals(0.9525741268224334, several[0].score, 1e-15)
        assertEquals(0.7310585786300049, several[1].score, 1e-15)
    }

    @Test
    fun theOrderOfTexts() {
        assertEquals("in order", judgeOrder(Tensor.of(1f, 1f), emptyList()).label)
        assertEquals("swapped", judgeOrder(Tensor.of(1f, 2f), emptyList()).label)
    }

    @Test
    fun whatTheModelMustNotGiveIsRefused() {
        assertEquals(
            "the model gives 2 scores, and the bundle's manifest names 3 labels: a, b, c; export the model again",
            assertThrows(BundleError::class.java) { labelText(floatArrayOf(1f, 2f), labels, null, null, null, null) }.message,
        )
        assertEquals(
            "the model gave values that are not numbers (NaN or infinity); export it again in a higher precision: " +
                "albert-export onnx --precision fp32",
            assertThrows(BundleError::class.java) { softmax(floatArrayOf(1f, Float.NaN)) }.message,
        )
    }
}
