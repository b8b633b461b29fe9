package albert.runtime.bundle

import albert.runtime.BundleError
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import java.io.ByteArrayOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

class PackedSourceTest {
    @get:Rule
    val temporary = TemporaryFolder()

    private fun file(bytes: ByteArray): File = File(temporary.root, "b.albert").apply { writeBytes(bytes) }

    /** The message about a packed file with these bytes, and whether it is the same for bytes in memory. */
    private fun refusal(bytes: ByteArray): String {
        val file = file(bytes)
        val ofFile = assertThrows(BundleError::class.java) { Bundle.open(file) }.message!!
        val inMemory = assertThrows(BundleError::class.java) {
            Bundle.open(PackedSource(file.path, ByteBuffer.wrap(bytes)))
        }
        assertEquals(ofFile, inMemory.message)
        return ofFile
    }

    private fun assertRefused(problem: String, comment: String = "", change: (List<Packed>) -> Unit) {
        val file = File(temporary.root, "b.albert")
        assertEquals(
            "$file is not a packed bundle, or is damaged:\n  - $problem\nCopy it again from where it was packed, or pack the " +
                "bundle's folder again: albert-export pack BUNDLE",
            refusal(pack(sampleFiles(), comment, change)),
        )
    }

    @Test
    fun opensAsTheFolderDoes() {
        val files = sampleFiles()
        Bundle.open(file(pack(files))).use { bundle ->
            assertEquals("question-answering", bundle.manifest.task)
            assertEquals(files.keys, bundle.source.names())
            for ((name, bytes) in files) {
                assertArrayEquals(bytes, bundle.source.read(name))
                assertArrayEquals(bytes, bundle.source.open(name).use { it.readBytes() })
            }
            val model = bundle.source.model("model.onnx").buffer!!
            assertTrue(model.isDirect)
            assertEquals(ByteBuffer.wrap(files["model.onnx"]!!), model)
        }
    }

    @Test
    fun opensFromMemory() {
        val files = sampleFiles()
        val bundle = Bundle.open(PackedSource("assets/b.albert", ByteBuffer.wrap(pack(files))))
        assertEquals(ByteBuffer.wrap(files["model.onnx"]!!), bundle.source.model("model.onnx").buffer)
    }

    @Test
    fun aNameThatLeavesTheFolderIsRefused() {
        for (name in listOf("../config.json", "/config.json", "a\\config.json", "a/../b", "a//b", "C:config", "folder/")) {
            val shown = albert.runtime.PythonText.repr(name)
            assertRefused("$shown is not the name of a file in a bundle") { it[1].name = name }
        }
    }

    @Test
    fun whatIsNoPlainEntryIsRefused() {
        assertRefused("config.json: it is encrypted") { it[1].flags = 0x801 }
        assertRefused("config.json: its sizes are behind its data (a data descriptor)") { it[1].flags = 0x808 }
        assertRefused("config.json: its flags are 0x802, which packed bundles don't use") { it[1].flags = 0x802 }
        assertRefused("config.json: it is compressed (method 8), and files of a packed bundle are stored as they are") {
            it[1].method = 8
        }
        assertRefused("config.json: its sizes don't agree: 7 and 18 bytes") { it[1].stored = 7 }
    }

    @Test
    fun entriesThatOverlapOrLieOutsideAreRefused() {
        assertRefused("model.onnx: it overlaps the file before it (its place is 0 and not ${placeOf(2)})") { it[2].place = 0 }
        assertRefused("config.json: its header and the directory don't agree") { it[1].directorySize = 2_000_000_000 }
        assertRefused("CONFIG.json is there twice") { it[2].name = "CONFIG.json" }
    }

    /** Where the header of an entry is. */
    private fun placeOf(number: Int): Int {
        val found = mutableListOf<Int>()
        val bytes = pack(sampleFiles())
        for (place in 0 until bytes.size - 4) if (ByteBuffer.wrap(bytes).getInt(place) == 0x504b0304) found += place
        return found[number]
    }

    @Test
    fun aFileThatTheManifestDoesNotListIsRefused() {
        val bytes = pack(sampleFiles() + mapOf("more.bin" to ByteArray(10)))
        assertTrue(refusal(bytes).contains("\n  - it holds more.bin, which its manifest does not list\n"))
    }

    @Test
    fun anyCutIsNoticed() {
        val whole = pack(sampleFiles())
        assertTrue(assertThrows(BundleError::class.java) { Bundle.open(file(ByteArray(0))) }.message!!.contains("is empty (0 bytes)"))
        for (size in listOf(1, 21, 22, 100, whole.size / 2, whole.size - 23, whole.size - 1)) {
            val message = refusal(whole.copyOf(size))
            assertTrue(message, message.contains("it is cut short, or is another kind of file"))
        }
    }

    @Test
    fun anyChangedByteIsNoticed() {
        val whole = pack(sampleFiles())
        var refused = 0
        for (place in (0 until whole.size step 13) + (whole.size - 22 until whole.size)) {
            val changed = whole.copyOf().also { it[place] = (it[place] + 1).toByte() }
            try {
                Bundle.open(PackedSource("b.albert", ByteBuffer.wrap(changed))).manifest
            } catch (error: BundleError) {
                refused++
                continue
            }
            // Only the padding in front of an entry may change without being noticed: no reader looks at it.
            val around = whole.sliceArray(maxOf(0, place - 16_384)..place)
            assertTrue("the change at $place is not noticed", whole[place] == 0.toByte() || around.any { it == 0xD9.toByte() })
        }
        assertTrue("only $refused changes were noticed", refused > 400)
    }

    @Test
    fun aZipOfAnotherToolIsRefused() {
        val bytes = ByteArrayOutputStream()
        ZipOutputStream(bytes).use { zip ->
            for ((name, content) in sampleFiles()) {
                zip.putNextEntry(ZipEntry(name))
                zip.write(content)
            }
            // A bomb: 200 MB of zeros in 200 kB.
            zip.putNextEntry(ZipEntry("bomb"))
            repeat(200) { zip.write(ByteArray(1_000_000)) }
        }
        val message = refusal(bytes.toByteArray())
        assertTrue(message, message.contains("it is compressed (method 8), and files of a packed bundle are stored as they are"))
    }

    @Test
    fun aWebPageIsNamed() {
        val file = file("<!DOCTYPE html><html>Log in</html>".toByteArray())
        val message = assertThrows(BundleError::class.java) { Bundle.open(file) }.message!!
        assertTrue(message, message.contains("is a web page, not the file"))
    }
}
