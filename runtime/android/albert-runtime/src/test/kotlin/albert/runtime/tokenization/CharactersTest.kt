package albert.runtime.tokenization

import albert.runtime.tokenization.fast.decodeBase64
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class CharactersTest {
    private fun lower(text: String) = AlignedText.of(text).lower().text

    @Test
    fun `a sigma at the end of a word is a final one`() {
        assertEquals("\u03bf\u03b4\u03bf\u03c2 \u03c3\u03b1", lower("\u039f\u0394\u039f\u03a3 \u03a3\u0391"))
        assertEquals("a\u03c2.", lower("A\u03a3."))
        assertEquals("a\u03c3.b", lower("A\u03a3.B"))
        assertEquals("i\u0307", lower("\u0130"))
    }

    @Test
    fun `properties that the JVM lacks`() {
        assertTrue(isCombining(0x301) && isCombining(0x3099) && isCombining(0x1E94A))
        assertFalse(isCombining('a'.code) || isCombining(0x93E))
        assertTrue(isDigit('7'.code) && isDigit(0xB2) && isDigit(0x2460) && isDigit(0x663))
        assertFalse(isDigit(0xBD) || isDigit('a'.code))
    }

    @Test
    fun `accents belong to the letter before them`() {
        val found = Normalizer(doLowerCase = true, removeSpace = true, keepAccents = false).normalize(AlignedText.of(" E\u0301\u00a0 ``a"))
        assertEquals("e \"a", found.text)
        assertArrayEquals(intArrayOf(1, 3, 5, 7), found.starts)
        assertArrayEquals(intArrayOf(3, 4, 7, 8), found.ends)
    }

    @Test
    fun `a lone surrogate is replaced, a pair is one character`() {
        val found = AlignedText.of("\uD800\uD83D\uDC4D")
        assertArrayEquals(intArrayOf(REPLACEMENT, 0x1F44D), found.codes)
        assertArrayEquals(intArrayOf(0, 1), found.starts)
        assertArrayEquals(intArrayOf(1, 3), found.ends)
    }

    @Test
    fun `base64 is decoded, and damaged base64 is not`() {
        assertEquals("light w", String(decodeBase64("bGlnaHQgdw==")!!))
        assertNull(decodeBase64("bGlnaHQgdw="))
        assertNull(decodeBase64("bGl*"))
    }
}
