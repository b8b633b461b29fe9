package albert.runtime.postprocessing

import albert.runtime.BundleError
import albert.runtime.UsageError
import albert.runtime.engines.Tensor
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class PoolingTest {
    private val tokens = listOf(floatArrayOf(1f, 8f), floatArrayOf(5f, 0f))

    @Test
    fun everyPooling() {
        assertArrayEquals(floatArrayOf(1f, 8f), pool(tokens, null, "cls", false), 0f)
        assertArrayEquals(floatArrayOf(3f, 4f), pool(tokens, null, "mean", false), 0f)
        assertArrayEquals(floatArrayOf(5f, 8f), pool(tokens, null, "max", false), 0f)
        assertArrayEquals(floatArrayOf(7f, 7f), pool(tokens, Tensor.of(7f, 7f), "pooler", false), 0f)
        assertArrayEquals(floatArrayOf(0.6f, 0.8f), pool(tokens, null, "mean", true), 0f)
        assertArrayEquals(floatArrayOf(0f, 0f), pool(listOf(floatArrayOf(0f, 0f)), null, "cls", true), 0f)
    }

    @Test
    fun everySimilarity() {
        val (left, right) = floatArrayOf(3f, 4f) to floatArrayOf(4f, 3f)
        val found = listOf("cosine", "dot", "euclidean", "manhattan").map { similarity(left, right, it) }
        assertArrayEquals(doubleArrayOf(0.96, 24.0, -Math.sqrt(2.0), -2.0), found.toDoubleArray(), 1e-15)
        assertEquals(
            "the vectors have 2 and 1 numbers; compare embeddings of the same model",
            assertThrows(UsageError::class.java) { similarity(left, floatArrayOf(1f), "dot") }.message,
        )
    }

    @Test
    fun optionsOfManifests() {
        val options = EmbeddingOptions.fromManifest(mapOf("pooling" to "mean", "normalize" to true))
        assertEquals(EmbeddingOptions("mean", true, false, "cosine"), options)
        assertEquals(
            "the manifest's \"embedding\" asks for what this runtime can't do:\n" +
                "  - pooling is 'sum'; it must be one of pooler, cls, mean, max\n" +
                "  - normalize is 2; it must be one of True, False\n  - other is None\n" +
                "upgrade the runtime: use a newer version of the library albert-runtime",
            assertThrows(BundleError::class.java) {
                EmbeddingOptions.fromManifest(linkedMapOf("pooling" to "sum", "normalize" to 2L, "other" to null))
            }.message,
        )
    }
}
