package albert.runtime.bundle

import albert.runtime.BundleError
import albert.runtime.json.Json
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class ManifestTest {
    private fun read(change: (MutableMap<String, String>) -> Unit = {}): Manifest =
        Manifest.of(Json.parse(String(sampleFiles(change).getValue("manifest.json"))))

    private fun refusal(change: (MutableMap<String, String>) -> Unit): String =
        assertThrows(BundleError::class.java) { read(change) }.message!!

    private fun problem(change: (MutableMap<String, String>) -> Unit): String =
        refusal(change).removePrefix("the manifest of the bundle is wrong:\n  - ")

    @Test
    fun fieldsOfLaterVersionsHaveDefaults() {
        val manifest = read()
        assertEquals(null, manifest.nullThreshold)
        assertEquals(true, manifest.hasTokenizer)
        assertEquals("", manifest.head)
        assertEquals(listOf("start_logits", "end_logits"), manifest.graphTask.outputs.keys.toList())
    }

    @Test
    fun theHeadDecidesTheOutputs() {
        val manifest = read { it["head"] = "\"beam-search\"" }
        assertEquals(5, manifest.graphTask.outputs.size)
        assertEquals(true, manifest.graphTask.aligned)
    }

    @Test
    fun theVersionComesFirst() {
        assertEquals(
            "the bundle is of format version 2, this runtime reads version 1; upgrade the runtime: use a newer version of the " +
                "library albert-runtime",
            refusal { it["format_version"] = "2"; it["task"] = "5" },
        )
        assertEquals(
            "the bundle is of format version 'x', this runtime reads version 1; export the model again with this version of " +
                "albert-export",
            refusal { it["format_version"] = "\"x\"" },
        )
    }

    @Test
    fun missingFieldsAreListed() {
        assertEquals(
            "the manifest of the bundle is incomplete:\n  - \"max_length\" is missing\n  - \"labels\" is missing",
            refusal { it.keys.removeAll(setOf("labels", "max_length")) },
        )
    }

    @Test
    fun wrongFieldsAreListedAsPythonShowsThem() {
        assertEquals(
            "the manifest of the bundle is wrong:\n" +
                "  - \"task\" must be one of feature-extraction, pretraining, fill-mask, text-classification, " +
                "token-classification, multiple-choice, question-answering, not None\n" +
                "  - \"max_length\" must be a number of tokens, 3 or more, not 2\n" +
                "  - \"labels\" must be a list of strings, not ('a', 1.5)\n" +
                "  - \"opset\" must be a whole number or null, not True\n" +
                "  - \"quantized\" must be a table, not [{'a': \"it's\"}]",
            refusal {
                it["task"] = "null"
                it["max_length"] = "2"
                it["labels"] = "[\"a\", 1.5]"
                it["opset"] = "true"
                it["quantized"] = "[{\"a\": \"it's\"}]"
            },
        )
    }

    @Test
    fun namesMustNotLeaveTheFolder() {
        for (name in listOf("../x", "/x", "a/../../x", "C:x", "a\\\\b", "", ".", "a\\u0000")) {
            assertEquals("\"model_file\" must be the name of a file in the bundle", problem { it["model_file"] = "\"$name\"" }.substringBefore(", not"))
        }
        assertEquals(
            "\"files\" must be a table of file names in the bundle and their SHA-256, not {'../x': '${"0".repeat(64)}'}",
            problem { it["files"] = "{\"../x\": \"${"0".repeat(64)}\"}" },
        )
    }

    @Test
    fun contradictionsAreListed() {
        assertEquals("\"labels\" is empty, and token-classification needs the name of each label", problem { it["task"] = "\"token-classification\"" })
        assertEquals(
            "\"null_threshold\" must be null, because it does not go with fill-mask",
            problem { it["task"] = "\"fill-mask\""; it["null_threshold"] = "0.5" },
        )
        assertEquals(
            "\"missing_outputs\" names 'end_logits', which a graph for question-answering can't lack",
            problem { it["missing_outputs"] = "[\"end_logits\"]" },
        )
        assertEquals(
            "\"head\" is 'other', which this runtime does not know; it knows for question-answering: beam-search (use a newer " +
                "version of the library albert-runtime)",
            problem { it["head"] = "\"other\"" },
        )
        assertEquals("\"files\" has no hash for model.tflite", problem { it["model_file"] = "\"model.tflite\"" })
    }
}
