package albert.runtime.engines

import albert.runtime.BundleError
import albert.runtime.OperatorError
import albert.runtime.UsageError
import albert.runtime.bundle.ModelData
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import java.io.File
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.util.Base64
import java.util.concurrent.Callable
import java.util.concurrent.Executors

/** A graph, made with the `onnx` package, that adds its three inputs: "start_logits" in float32, "positions" in int64. */
private const val SUM =
    "CAg6ngMKIwoJaW5wdXRfaWRzCg5hdHRlbnRpb25fbWFzaxIBYSIDQWRkChsKAWEKDnRva2VuX3R5cGVfaWRzEgFiIgNBZGQKIgoBYhIMc3RhcnRfbG9n" +
        "aXRzIgRDYXN0KgkKAnRvGAGgAQIKGAoBYhIJcG9zaXRpb25zIghJZGVudGl0eRIBZ1o0CglpbnB1dF9pZHMSJwolCAcSIQoMEgpiYXRjaF9zaXpl" +
        "ChESD3NlcXVlbmNlX2xlbmd0aFo5Cg5hdHRlbnRpb25fbWFzaxInCiUIBxIhCgwSCmJhdGNoX3NpemUKERIPc2VxdWVuY2VfbGVuZ3RoWjkKDnRv" +
        "a2VuX3R5cGVfaWRzEicKJQgHEiEKDBIKYmF0Y2hfc2l6ZQoREg9zZXF1ZW5jZV9sZW5ndGhiNwoMc3RhcnRfbG9naXRzEicKJQgBEiEKDBIKYmF0" +
        "Y2hfc2l6ZQoREg9zZXF1ZW5jZV9sZW5ndGhiNAoJcG9zaXRpb25zEicKJQgHEiEKDBIKYmF0Y2hfc2l6ZQoREg9zZXF1ZW5jZV9sZW5ndGhCBAoA" +
        "EA0="

/** A graph with an operator that no ONNX Runtime has. */
private const val UNKNOWN_OPERATOR =
    "CAg6nQEKKQoJaW5wdXRfaWRzEgxzdGFydF9sb2dpdHMiDk5vU3VjaE9wZXJhdG9yEgFnWjQKCWlucHV0X2lkcxInCiUIBxIhCgwSCmJhdGNoX3NpemUK" +
        "ERIPc2VxdWVuY2VfbGVuZ3RoYjcKDHN0YXJ0X2xvZ2l0cxInCiUIARIhCgwSCmJhdGNoX3NpemUKERIPc2VxdWVuY2VfbGVuZ3RoQgQKABAN"

class OnnxEngineTest {
    @get:Rule
    val temporary = TemporaryFolder()

    private val bytes = Base64.getDecoder().decode(SUM)

    private fun engine(model: ModelData = ModelData.of(ByteBuffer.wrap(bytes))) = OnnxEngine(model, "folder/model.onnx", 1)

    private fun feed(rows: Int, columns: Int): Map<String, IdTensor> =
        listOf(1L, 10L, 100L).zip(listOf("input_ids", "attention_mask", "token_type_ids")).associate { (factor, name) ->
            name to IdTensor(intArrayOf(rows, columns), LongArray(rows * columns) { it * factor })
        }

    private val expected = floatArrayOf(0f, 111f, 222f, 333f, 444f, 555f)

    @Test
    fun computesFromAFileFromBytesAndMapped() {
        val file = File(temporary.root, "model.onnx").apply { writeBytes(ByteArray(100) + bytes) }
        val alone = File(temporary.root, "alone.onnx").apply { writeBytes(bytes) }
        RandomAccessFile(file, "r").use { access ->
            val mapped = access.channel.map(FileChannel.MapMode.READ_ONLY, 100, bytes.size.toLong())
            for (model in listOf(ModelData.of(alone), ModelData.of(ByteBuffer.wrap(bytes)), ModelData.of(mapped))) {
                engine(model).use { engine ->
                    val outputs = engine.run(feed(2, 3))
                    assertArrayEquals(expected, outputs.getValue("start_logits").values, 0f)
                    assertArrayEquals(expected, outputs.getValue("positions").values, 0f)
                    assertArrayEquals(intArrayOf(2, 3), outputs.getValue("positions").shape)
                    assertArrayEquals(intArrayOf(-1, -1), engine.inputs["input_ids"])
                    assertEquals(setOf("start_logits", "positions"), engine.outputs.keys)
                }
            }
        }
    }

    @Test
    fun severalThreadsRunIt() {
        val pool = Executors.newFixedThreadPool(4)
        engine().use { engine ->
            val runs = List(40) { pool.submit(Callable { engine.run(feed(2, 3)).getValue("start_logits").values }) }
            for (run in runs) assertArrayEquals(expected, run.get(), 0f)
        }
        pool.shutdown()
    }

    @Test
    fun wrongInputsAreRefused() {
        engine().use { engine ->
            assertEquals(
                "model.onnx needs inputs that were not given:\n" +
                    "  - token_type_ids ['batch_size', 'sequence_length'], tensor(int64)",
                assertThrows(UsageError::class.java) { engine.run(feed(1, 2) - "token_type_ids") }.message,
            )
            val other = feed(1, 2) + mapOf("attention_mask" to IdTensor(intArrayOf(1, 3), LongArray(3)))
            assertEquals(
                "model.onnx does not take inputs of these shapes:\n" +
                    "  - attention_mask is [1, 3], the graph declares ['batch_size', 'sequence_length']",
                assertThrows(UsageError::class.java) { engine.run(other) }.message,
            )
        }
    }

    @Test
    fun damagedGraphsAndUnknownOperatorsAreRefused() {
        val damaged = assertThrows(BundleError::class.java) { engine(ModelData.of(ByteBuffer.wrap(bytes.copyOf(200)))) }.message!!
        assertTrue(damaged, Regex("onnxruntime .* can't load folder/model.onnx: .+").matches(damaged))
        val unknown = ModelData.of(ByteBuffer.wrap(Base64.getDecoder().decode(UNKNOWN_OPERATOR)))
        val lack = assertThrows(OperatorError::class.java) { engine(unknown) }.message!!
        assertTrue(lack, "lacks an operator of folder/model.onnx: " in lack && "NoSuchOperator" in lack)
    }

    @Test
    fun aClosedEngineRefusesRuns() {
        val engine = engine()
        engine.close()
        engine.close()
        assertEquals(
            "the session of model.onnx has been closed; load the bundle again",
            assertThrows(UsageError::class.java) { engine.run(feed(1, 2)) }.message,
        )
    }
}
