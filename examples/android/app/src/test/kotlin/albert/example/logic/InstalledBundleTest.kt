package albert.example.logic

import albert.runtime.BundleError
import java.io.File
import java.io.IOException
import java.io.InputStream
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class InstalledBundleTest {
    @get:Rule
    val folder = TemporaryFolder()

    private fun installed(): InstalledBundle = InstalledBundle(File(folder.root, "qa.albert"))

    @Test
    fun whatIsNoBundleIsRefusedAndTheOldFileStays() {
        val bundle = installed()
        bundle.file.writeText("the one before")
        assertThrows(BundleError::class.java) { bundle.install("<html>".byteInputStream(), 6) {} }
        assertEquals("the one before", bundle.file.readText())
        assertEquals(listOf("qa.albert"), folder.root.list()!!.toList())
    }

    @Test
    fun aConnectionThatBreaksLeavesNothing() {
        val broken = object : InputStream() {
            override fun read(): Int = throw IOException("the connection broke")
        }
        assertThrows(IOException::class.java) { installed().install(broken, 10) {} }
        assertTrue(folder.root.list()!!.isEmpty())
    }

    @Test
    fun progressEndsAtOne() {
        val shares = mutableListOf<Float>()
        assertThrows(BundleError::class.java) {
            installed().install(ByteArray(200_000).inputStream(), 200_000) { shares += it }
        }
        assertEquals(1f, shares.last())
        assertEquals(shares.sorted(), shares)
        assertFalse(shares.isEmpty())
    }
}
