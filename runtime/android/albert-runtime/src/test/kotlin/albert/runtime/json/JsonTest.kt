package albert.runtime.json

import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class JsonTest {
    @Test
    fun `every kind of value is read`() {
        val found = Json.parse(" {\"a\": [1, -2.5, 1e3, true, false, null], \"b\\n\": \"\\u00e9\\ud83d\\udc4d\", \"c\": {}, \"a2\": []}\n")
        val wanted = mapOf(
            "a" to listOf(1L, -2.5, 1000.0, true, false, null), "b\n" to "\u00e9\uD83D\uDC4D", "c" to emptyMap<String, Any?>(),
            "a2" to emptyList<Any?>(),
        )
        assertEquals(wanted, found)
        assertEquals(1e30, Json.parse("1000000000000000019884624838656"))
    }

    @Test
    fun `what is no JSON is refused with its place`() {
        for (text in listOf("", "{", "[1,]", "{\"a\" 1}", "01", "\"a", "nul", "[1] 2", "\"\\x\"", "\"\\u12\"", "\"a\nb\"", "[".repeat(1000), "-")) {
            assertThrows(text, JsonError::class.java) { Json.parse(text) }
        }
        val error = assertThrows(JsonError::class.java) { Json.parse("{\n \"a\": x}") }
        assertEquals("expecting a value: line 2 column 7 (char 8)", error.message)
    }
}
