package albert.runtime.postprocessing

import org.junit.Assert.assertEquals
import org.junit.Test

class TagsTest {
    @Test
    fun labelsAreReadByThemselves() {
        assertEquals(Tag('B', "PER"), readTag("B-PER"))
        assertEquals(Tag('E', "a-b"), readTag("L-a-b"))
        assertEquals(Tag('S', "x"), readTag("U-x"))
        assertEquals(Tag('I', "O"), readTag("O"))
        assertEquals(Tag('I', "B-"), readTag("B-"))
        assertEquals(Tag('I', "LABEL_1"), readTag("LABEL_1"))
    }

    @Test
    fun neighboursFormEntities() {
        val tags = listOf("B-P", "I-P", "B-P", "I-L", "O", "O", "I-P", "E-P", "I-P", "S-P", "I-P").map { readTag(it) }
        assertEquals(listOf(0..1, 2..2, 3..3, 4..5, 6..7, 8..8, 9..9, 10..10), groupTags(tags))
    }
}
