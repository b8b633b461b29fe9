package albert.runtime.tokenization

import albert.runtime.UnsupportedError
import albert.runtime.UsageError
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

private const val PIECES = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ncafe\nun\n##able\nis\n!\nthe\n##s\n"
private const val CONFIG = "{\"tokenizer_class\": \"BertTokenizer\"}"

class WordPieceTokenizerTest {
    private val tokenizer = AlbertTokenizer.fromFiles(MapFiles.of("vocab.txt" to PIECES, "tokenizer_config.json" to CONFIG))

    @Test
    fun `spans are UTF-16 units of the given text, and include accents`() {
        val text = "\uD83D\uDC4D Cafe\u0301 unable!"
        val found = tokenizer.encode(text).single()
        assertEquals(listOf("[CLS]", "[UNK]", "cafe", "un", "##able", "!", "[SEP]"), found.tokens)
        assertArrayEquals(intArrayOf(2, 1, 5, 6, 7, 9, 3), found.ids)
        val spelled = (1..5).map { text.substring(found.starts[it], found.ends[it]) }
        assertEquals(listOf("\uD83D\uDC4D", "Cafe\u0301", "un", "able", "!"), spelled)
        assertArrayEquals(intArrayOf(-1, 0, 1, 2, 2, 3, -1), found.wordIds)
    }

    @Test
    fun `special tokens in a text are tokens of it`() {
        val found = tokenizer.encode("the [MASK] is", "cafes").single()
        assertEquals(listOf("[CLS]", "the", "[MASK]", "is", "[SEP]", "cafe", "##s", "[SEP]"), found.tokens)
        assertArrayEquals(intArrayOf(0, 0, 0, 0, 0, 1, 1, 1), found.typeIds)
        assertArrayEquals(intArrayOf(1, 0, 0, 0, 1, 0, 0, 1), found.specialTokensMask)
        assertArrayEquals(intArrayOf(-1, 0, 0, 0, -1, 1, 1, -1), found.sequenceIds)
    }

    @Test
    fun `windows overlap by the stride`() {
        val options = EncodeOptions(truncation = "only_first", maxLength = 4, stride = 1, returnOverflowingTokens = true)
        val found = tokenizer.encode("the un is", options = options)
        assertEquals(listOf(listOf("the", "un"), listOf("un", "is")), found.map { it.tokens.subList(1, 3) })
    }

    @Test
    fun `options that don't fit are refused in Python's words`() {
        val short = assertThrows(UsageError::class.java) {
            tokenizer.encode("the", options = EncodeOptions(truncation = "longest_first", maxLength = 2))
        }
        assertEquals("max_length=2 leaves no room for text: the special tokens take 2", short.message)
        val unknown = assertThrows(UsageError::class.java) { tokenizer.decode(intArrayOf(3, 99)) }
        assertEquals("token ids 99 are not in the vocabulary of 12 pieces (0 to 11)", unknown.message)
    }

    @Test
    fun `a tokenizer that can't be made is refused, and every reason is listed`() {
        val config = "{\"tokenizer_class\": \"T5Tokenizer\", \"truncation_side\": \"left\", \"keep_accents\": 3}"
        val error = assertThrows(UnsupportedError::class.java) {
            AlbertTokenizer.fromFiles(MapFiles.of("tokenizer_config.json" to config))
        }
        val message = error.message ?: ""
        assertTrue(message, message.startsWith("tokenizer_config.json asks for a tokenizer that can't be made:\n"))
        for (part in listOf("tokenizer_class is 'T5Tokenizer'", "truncation_side is 'left'", "keep_accents is 3")) {
            assertTrue(message, part in message)
        }
    }

    @Test
    fun `a damaged or missing vocabulary is called so`() {
        val damaged = assertThrows(UnsupportedError::class.java) { AlbertTokenizer.fromFiles(MapFiles.of("spiece.model" to "no")) }
        assertEquals(
            "spiece.model (2 bytes) is not a SentencePiece model, or is damaged; copy spiece.model from the checkpoint again",
            damaged.message,
        )
        val missing = assertThrows(UnsupportedError::class.java) { AlbertTokenizer.fromFiles(MapFiles.of()) }
        assertTrue(missing.message, "can't be read (No such file or directory)" in (missing.message ?: ""))
    }

    @Test
    fun `given words are found in their text`() {
        val located = locateWords(listOf("the", "cafes"), "the  cafes")
        val found = encodeWords(tokenizer, listOf("the", "cafes"), located)
        assertArrayEquals(intArrayOf(0, 5, 9), found.starts)
        assertArrayEquals(intArrayOf(0, 1, 1), found.wordIds)
        assertThrows(UsageError::class.java) { locateWords(listOf("the", "dog"), "the cat") }
    }
}
