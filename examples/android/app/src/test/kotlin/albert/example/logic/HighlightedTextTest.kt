package albert.example.logic

import albert.runtime.Answer
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Test

class HighlightedTextTest {
    @Test
    fun theThreePartsAreTheText() {
        val context = "😀 Clara works in Porto."
        val start = context.indexOf("Porto")
        val text = HighlightedText.of(context, Answer("Porto.", 0.9, start, context.length))
        assertEquals(HighlightedText("😀 Clara works in ", "Porto.", "", 0.9), text)
    }

    @Test
    fun theEmptyAnswerIsNone() {
        assertFalse(HighlightedText.of("Clara works.", Answer("", 0.9, 0, 0)).isFound)
    }
}
