package albert.runtime.sessions

import albert.runtime.BundleError
import albert.runtime.LoadOptions
import albert.runtime.UsageError
import albert.runtime.bundle.StreamSource
import albert.runtime.bundle.sampleFiles
import albert.runtime.bundle.sha256
import albert.runtime.checkSelfTest
import albert.runtime.engines.CannedEngine
import albert.runtime.engines.Tensor
import java.util.logging.Handler
import java.util.logging.LogRecord
import java.util.logging.Logger
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class SessionTest {
    private var runs = 0

    /** Starts and ends answers at the token "cafe", whose id is 5. */
    private val engine = CannedEngine("question-answering") { feed ->
        runs++
        val ids = feed.getValue("input_ids")
        val logits = Tensor(ids.shape, FloatArray(ids.values.size) { if (ids.values[it] == 5L) 9f else 0f })
        mapOf("start_logits" to logits, "end_logits" to logits)
    }

    private fun source(vararg fields: Pair<String, String>): StreamSource {
        val vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncafe\nthe\nis\n".toByteArray()
        val files = sampleFiles() + mapOf(
            "vocab.txt" to vocabulary, "tokenizer_config.json" to "{\"tokenizer_class\": \"BertTokenizer\"}".toByteArray(),
            "spiece.model" to ByteArray(0),
        )
        val hashes = (files - "manifest.json").entries.joinToString(", ", "{", "}") { "\"${it.key}\": \"${sha256(it.value)}\"" }
        val manifest = sampleFiles { it += listOf("files" to hashes, *fields) }.getValue("manifest.json")
        return StreamSource.ofBytes("assets/qa", files + ("manifest.json" to manifest))
    }

    private fun load(vararg fields: Pair<String, String>, options: LoadOptions = LoadOptions(verify = false, engine = engine)) =
        QuestionAnsweringSession.load(source(*fields), options)

    @Test
    fun offsetsCountUtf16Units() {
        val context = "the \ud83d\ude00 Caf\u00e9 is"
        val answer = load().answer("the is", context)
        assertEquals("Caf\u00e9", answer.text)
        assertEquals("Caf\u00e9", context.substring(answer.start, answer.end))
    }

    @Test
    fun anInterruptedThreadStopsBetweenWindows() {
        val session = load()
        val options = QuestionOptions(maxSeqLen = 8, docStride = 2)
        session.answer("the", "the is ".repeat(20), options)
        assertTrue("$runs windows", runs > 10)
        runs = 0
        Thread.currentThread().interrupt()
        assertThrows(InterruptedException::class.java) { session.answer("the", "the is ".repeat(20), options) }
        assertEquals(0, runs)
        assertEquals(false, Thread.interrupted())
    }

    @Test
    fun aBundleOfAnotherTaskIsRefused() {
        assertEquals(
            "assets/qa is a bundle for question-answering, not for fill-mask; AlbertSessions.load() picks the session that fits",
            assertThrows(BundleError::class.java) { FillMaskSession.load(source(), LoadOptions(verify = false, engine = engine)) }.message,
        )
    }

    @Test
    fun partsThatDoNotFitAreListed() {
        val other = CannedEngine("text-classification") { emptyMap() }
        assertEquals(
            "the parts of the bundle assets/qa don't fit:\n" +
                "  - model.onnx has no output start_logits, which question-answering needs; it has logits\n" +
                "  - model.onnx has no output end_logits, which question-answering needs; it has logits",
            assertThrows(BundleError::class.java) { load(options = LoadOptions(verify = false, engine = other)) }.message,
        )
    }

    @Test
    fun aBundleWithoutATokenizerTakesIdsOnly() {
        val session = load("has_tokenizer" to "false")
        assertArrayEquals(floatArrayOf(0f, 9f, 0f), session.runIds(listOf(intArrayOf(2, 5, 3))).getValue("end_logits").values, 0f)
        val message = assertThrows(UsageError::class.java) { session.answer("the", "is") }.message!!
        assertTrue(message, message.startsWith("the bundle assets/qa has no tokenizer, since it was exported with --no-tokenizer"))
        assertEquals(
            "the token ids can't be used:\n  - sequence 1: ids 30, -1: the vocabulary's ids go from 0 to 29\n" +
                "  - sequence 2: there are no ids",
            assertThrows(UsageError::class.java) { session.runIds(listOf(intArrayOf(30, 5, -1), intArrayOf())) }.message,
        )
    }

    @Test
    fun selfTestVectorsAreChecked() {
        fun check(ids: String, value: String) = checkSelfTest(
            load(
                "self_test" to "[{\"inputs\": {\"question\": \"the\", \"context\": \"cafe\"}, \"input_ids\": $ids, \"tolerance\": 0.5, " +
                    "\"outputs\": {\"start_logits\": {\"shape\": [1, 5], \"indices\": [0, 3], \"values\": [0.1, $value]}}}]",
            ),
        )
        check("[[2, 6, 3, 5, 3]]", "9.2")
        assertEquals(
            "self-test vector 1 of 1: the tokenizer gives ids 2 6 3 5 3, the bundle was made with ids 2 6 3 7 3; the vocabulary " +
                "or its options do not belong to this model",
            assertThrows(BundleError::class.java) { check("[[2, 6, 3, 7, 3]]", "9") }.message,
        )
        val wrong = assertThrows(BundleError::class.java) { check("[[2, 6, 3, 5, 3]]", "7") }.message!!
        assertTrue(wrong, wrong.startsWith("self-test vector 1 of 1: start_logits differs by 2.00, allowed is 0.500 (element 3 is"))
    }

    /** What is logged while [work] runs. */
    private fun logged(work: () -> Unit): List<String> {
        val said = mutableListOf<String>()
        val listener = object : Handler() {
            override fun publish(record: LogRecord) {
                said += record.message
            }

            override fun flush() = Unit

            override fun close() = Unit
        }
        Logger.getLogger("albert_runtime").addHandler(listener)
        try {
            work()
        } finally {
            Logger.getLogger("albert_runtime").removeHandler(listener)
        }
        return said
    }

    @Test
    fun whatAVectorLeavesOutIsNeitherLoggedNorCountedAsSaid() {
        val ids = listOf(2) + List(64) { 6 } + listOf(3, 5, 3)
        val vector = "[{\"inputs\": {\"question\": \"${"the ".repeat(80)}\", \"context\": \"cafe\"}, \"input_ids\": [$ids], " +
            "\"tolerance\": 0.5, \"outputs\": {\"start_logits\": {\"shape\": [1, 68], \"indices\": [66], \"values\": [9]}}}]"
        var session: QuestionAnsweringSession? = null
        assertEquals(
            emptyList<String>(),
            logged { session = load("self_test" to vector, options = LoadOptions(engine = engine)) },
        )
        assertEquals(1, runs)
        assertEquals(
            listOf(
                "the question has 90 tokens and max_question_len is 64: 26 tokens at its end were left out " +
                    "(said once for each session)",
            ),
            logged { repeat(2) { session!!.answer("the ".repeat(90), "cafe") } },
        )
    }
}
