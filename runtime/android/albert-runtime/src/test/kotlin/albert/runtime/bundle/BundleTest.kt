package albert.runtime.bundle

import albert.runtime.AlbertError
import albert.runtime.BundleError
import albert.runtime.UsageError
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import java.io.File

class BundleTest {
    @get:Rule
    val temporary = TemporaryFolder()
    private val folder: File get() = temporary.root

    private fun refusal(kind: Class<out AlbertError>, path: File = folder): String =
        assertThrows(kind) { Bundle.open(path) }.message!!

    @Test
    fun opens() {
        val files = sampleFiles()
        val bundle = Bundle.open(writeFiles(folder, files))
        assertEquals(384, bundle.maxLength)
        assertEquals(30L, bundle.config["vocab_size"])
        assertEquals(File(folder, "model.onnx"), bundle.source.model("model.onnx").file)
        assertArrayEquals(files["spiece.model"], bundle.source.read("spiece.model"))
    }

    @Test
    fun opensFromBytes() {
        val bundle = Bundle.open(StreamSource.ofBytes("assets/qa", sampleFiles()))
        assertEquals("assets/qa", bundle.location)
        assertEquals(5000, bundle.source.model("model.onnx").buffer!!.remaining())
        assertEquals(5000L, bundle.source.size("model.onnx"))
    }

    @Test
    fun damagedAndMissingFilesAreListed() {
        writeFiles(folder, sampleFiles())
        File(folder, "model.onnx").appendBytes(byteArrayOf(1))
        File(folder, "spiece.model").delete()
        assertEquals(
            "the bundle $folder is damaged:\n  - model.onnx (5001 bytes) is not the file that was exported\n" +
                "  - spiece.model is missing\nCopy it again from where it was exported.",
            refusal(BundleError::class.java),
        )
        File(folder, "spiece.model").writeText("others")
        assertEquals("question-answering", Bundle.open(folder, check = false).manifest.task)
    }

    @Test
    fun failedDownloadsAreNamed() {
        writeFiles(folder, sampleFiles())
        File(folder, "model.onnx").writeText("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 45123456\n")
        File(folder, "spiece.model").writeText("")
        val message = refusal(BundleError::class.java)
        assertEquals(
            listOf(
                "  - $folder/model.onnx is a pointer of Git LFS (70 bytes), and the file itself, of 45,123,456 bytes, was not " +
                    "fetched. In $folder, type: git lfs install && git lfs pull (or anywhere: hf download OWNER/NAME " +
                    "--local-dir $folder)",
                "  - $folder/spiece.model is empty (0 bytes), so it is damaged: a download or a copy was not completed; " +
                    "fetch it again",
            ),
            message.lines().filter { it.startsWith("  - ") },
        )
    }

    @Test
    fun whatIsNoBundleIsNamed() {
        assertEquals(
            "there is no folder /no/where; give the folder that `albert-export onnx` or `albert-export tflite` wrote",
            refusal(UsageError::class.java, File("/no/where")),
        )
        assertEquals(
            "$folder is an empty folder, not a bundle; `albert-export onnx` and `albert-export tflite` make one",
            refusal(BundleError::class.java),
        )
        File(folder, "notes.txt").writeText("x")
        assertEquals(
            "$folder is not a bundle: it has no manifest.json; `albert-export onnx` and `albert-export tflite` make one",
            refusal(BundleError::class.java),
        )
        File(folder, "pytorch_model.bin").writeText("x")
        assertEquals(
            "$folder is a checkpoint, not a bundle; export it first: albert-export onnx --model $folder --task TASK " +
                "--output BUNDLE (or albert-export tflite)",
            refusal(BundleError::class.java),
        )
        writeFiles(folder, sampleFiles())
        val file = File(folder, "model.onnx")
        assertEquals("$file is a file of a bundle; give the whole folder: $folder", refusal(UsageError::class.java, file))
    }

    @Test
    fun aManifestThatIsNoJsonIsRefused() {
        writeFiles(folder, sampleFiles())
        File(folder, "manifest.json").writeText("{\"a\": ")
        val message = refusal(BundleError::class.java)
        assertEquals("$folder/manifest.json is not valid JSON: ", message.substringBefore("JSON: ") + "JSON: ")
        File(folder, "manifest.json").writeText("[1]")
        assertEquals(
            "$folder: manifest.json has no \"format_version\": it is not the manifest of an ALBERT bundle",
            refusal(BundleError::class.java),
        )
    }
}
