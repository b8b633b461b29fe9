package albert.runtime.engines

import albert.runtime.BundleError
import albert.runtime.OperatorError
import albert.runtime.UsageError
import albert.runtime.bundle.ModelData
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import org.tensorflow.lite.DataType
import java.io.File

class LiteRtEngineTest {
    private val model = ModelData.of(File("folder/model.tflite"))

    private fun interpreter(vararg shape: Int, failure: String? = null) = FakeInterpreter(
        listOf("attention_mask", "input_ids", "token_type_ids").map { FakeTensor(it, shape, DataType.INT32) },
        listOf(FakeTensor("logits", intArrayOf(shape[0], shape[1], 2), DataType.FLOAT32)),
        failure,
    )

    private fun engine(fake: FakeInterpreter) = LiteRtEngine(model, "folder/model.tflite", 2, { _, options ->
        assertEquals(2, options.numThreads)
        fake
    })

    private fun feed(rows: Int, vararg ids: Long): Map<String, IdTensor> {
        val shape = intArrayOf(rows, ids.size / rows)
        return mapOf(
            "input_ids" to IdTensor(shape, ids),
            "attention_mask" to IdTensor(shape, LongArray(ids.size) { 1 }),
            "token_type_ids" to IdTensor(shape, LongArray(ids.size)),
        )
    }

    @Test
    fun dynamicInputsAreResizedWhenTheShapeChanges() {
        val fake = interpreter(-1, -1)
        val engine = engine(fake)
        assertEquals(listOf("input_ids", "attention_mask", "token_type_ids"), engine.inputs.keys.toList())
        val outputs = engine.run(feed(2, 5, 6, 7, 8, 9, 10))
        assertArrayEquals(intArrayOf(2, 3, 2), outputs.getValue("logits").shape)
        assertArrayEquals(floatArrayOf(5f, 0f, 6f, 1f, 7f, 2f), outputs.getValue("logits").part(0).values, 0f)
        assertEquals(listOf("0 [2, 3]", "1 [2, 3]", "2 [2, 3]"), fake.resizes)
        engine.run(feed(2, 1, 2, 3, 4, 5, 6))
        assertEquals(3, fake.resizes.size)
        engine.run(feed(1, 4))
        assertEquals("0 [1, 1]", fake.resizes[3])
    }

    @Test
    fun aGraphForOneSequenceComputesBatchesOneByOne() {
        val fake = interpreter(1, 3)
        val outputs = engine(fake).run(feed(2, 5, 6, 7, 8, 9, 10))
        assertEquals(2, fake.runs)
        assertArrayEquals(intArrayOf(2, 3, 2), outputs.getValue("logits").shape)
        assertArrayEquals(floatArrayOf(8f, 0f, 9f, 1f, 10f, 2f), outputs.getValue("logits").part(1).values, 0f)
    }

    @Test
    fun wrongShapesAreRefused() {
        val engine = engine(interpreter(1, 3))
        assertEquals(
            "model.tflite does not take inputs of these shapes:\n  - input_ids is [1, 2], the graph takes [1, 3]\n" +
                "  - attention_mask is [1, 2], the graph takes [1, 3]\n  - token_type_ids is [1, 2], the graph takes [1, 3]",
            assertThrows(UsageError::class.java) { engine.run(feed(1, 5, 6)) }.message,
        )
        assertEquals(
            "model.tflite needs inputs that were not given:\n  - attention_mask [1, 3], int32\n  - token_type_ids [1, 3], int32",
            assertThrows(UsageError::class.java) { engine.run(feed(1, 5, 6, 7).filterKeys { it == "input_ids" }) }.message,
        )
    }

    @Test
    fun namesOfTaskLibraryAreBound() {
        val fake = FakeInterpreter(
            listOf("serving_default_ids:0", "mask", "segment_ids").map { FakeTensor(it.removePrefix("serving_default_").removeSuffix(":0"), intArrayOf(1, 2), DataType.INT32) },
            listOf(FakeTensor("probability", intArrayOf(1, 4), DataType.FLOAT32)),
        )
        val engine = engine(fake)
        assertEquals(listOf("input_ids", "attention_mask", "token_type_ids"), engine.inputs.keys.toList())
        val logits = engine.run(feed(1, 1, 3)).getValue("logits").values
        assertArrayEquals(floatArrayOf(0f, -87.33655f, 1.0986123f, 0f), logits, 1e-5f)
    }

    @Test
    fun failuresAreExplained() {
        val lack = engineError(OperatorError::class.java, "Didn't find op for builtin opcode 'MUL' version '7'. An older version")
        assertEquals(
            "litert 0 (a stand-in) lacks operators of folder/model.tflite:\n  - MUL, version 7\nUpgrade it: " +
                "implementation(\"com.google.ai.edge.litert:litert:VERSION\") with a newer version",
            lack,
        )
        assertEquals(
            "litert 0 (a stand-in) can't load folder/model.tflite: no model; export the model again",
            engineError(BundleError::class.java, "no  model"),
        )
        val error = assertThrows(UsageError::class.java) { engine(interpreter(-1, -1)).run(feed(1, -1)) }
        assertEquals(
            "litert 0 (a stand-in) can't run model.tflite on inputs of [1, 1]: gather index out of bounds Node number 3 " +
                "(GATHER) failed to invoke.; an id is none of the model's, or a sequence has more tokens than it takes",
            error.message,
        )
    }

    private fun engineError(kind: Class<out Throwable>, failure: String): String =
        assertThrows(kind) { engine(interpreter(1, 3, failure = failure)) }.message!!

    @Test
    fun closingClosesTheInterpreterAndRefusesRuns() {
        val fake = interpreter(-1, -1)
        val engine = engine(fake)
        engine.close()
        assertEquals(true, fake.isClosed)
        assertEquals(
            "the session of model.tflite has been closed; load the bundle again",
            assertThrows(UsageError::class.java) { engine.run(feed(1, 5)) }.message,
        )
    }
}
