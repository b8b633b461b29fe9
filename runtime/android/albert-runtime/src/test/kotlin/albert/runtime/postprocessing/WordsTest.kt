package albert.runtime.postprocessing

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

class WordsTest {
    private fun words(text: String, vararg tokenStarts: Int): List<String> =
        splitWords(text, tokenStarts).map { text.substring(it.start, it.end) }

    @Test
    fun punctuationIsApartExceptInAbbreviations() {
        assertEquals(
            listOf("(", "Paris", ")", ",", "the", "U.S.", "and", "St.", "Ives", "."),
            words("(Paris), the U.S. and St. Ives.", 0, 6, 7, 28, 30),
        )
        assertTrue(isAbbreviation("Ph.D"))
        assertFalse(isAbbreviation("Ph.Dxx"))
        assertFalse(isAbbreviation("end"))
        assertFalse(isAbbreviation("a.1"))
    }

    @Test
    fun possessivesAndDashesAreWords() {
        val text = "Germany's 1914\u20131918 James\u2019 Ann-Marie a--b"
        val found = splitWords(text)
        assertEquals(
            listOf(
                "Germany" to Role.WORD, "'s" to Role.POSSESSIVE, "1914" to Role.WORD, "\u2013" to Role.DASH,
                "1918" to Role.WORD, "James" to Role.WORD, "\u2019" to Role.POSSESSIVE, "Ann-Marie" to Role.WORD,
                "a" to Role.WORD, "--" to Role.DASH, "b" to Role.WORD,
            ),
            found.map { text.substring(it.start, it.end) to it.role },
        )
    }

    @Test
    fun scriptsWithoutSpacesAreSplitAtTokens() {
        assertEquals(listOf("\u6771\u4eac", "\u90fd", "Tokyo"), words("\u6771\u4eac\u90fdTokyo", 0, 2, 3))
        val rare = String(Character.toChars(0x20bb7)) // outside the basic plane: two units
        assertEquals(listOf(rare, "\u91ce"), words("$rare\u91ce", 0, 2))
    }

    @Test
    fun signsOutsideTheBasicPlaneStayWhole() {
        val punctuation = String(Character.toChars(0x10100)) // an Aegean word separator
        assertEquals(listOf(punctuation, "a", "\ud83d\ude00"), words("${punctuation}a \ud83d\ude00"))
        assertEquals(Role.PUNCTUATION, roleOf(punctuation))
    }

    @Test
    fun whiteSpaceIsPythons() {
        assertEquals(listOf("a", "b", "c", "d\u200be"), words("a\u0085b\u2003c\u001cd\u200be"))
    }
}
