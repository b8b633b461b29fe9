package albert.runtime.tokenization

import albert.runtime.bundle.FolderSource
import albert.runtime.json.Json
import java.io.File

/** So many differences are shown. */
private const val SHOWN = 5

/** What differs between this tokenizer and the parts of a vectors file that are about tokens. */
private class VectorsCheck(private val tokenizer: AlbertTokenizer, private val vectors: Map<*, *>) {
    val differences = ArrayList<String>()
    var compared = 0
        private set

    fun run() {
        for (one in records("tokenizer")) compare("tokenizer", one, tokenizer.encode(text(one), pair(one)).single())
        for (one in records("windows")) {
            val options = EncodeOptions(
                truncation = one["truncation"] as String?,
                maxLength = (one["max_length"] as Long?)?.toInt(),
                stride = ((one["stride"] as Long?) ?: 0L).toInt(),
                returnOverflowingTokens = one["return_overflowing_tokens"] as Boolean? ?: true,
            )
            val found = tokenizer.encode(text(one), pair(one), options)
            val wanted = (one["encodings"] as List<*>).map { it as Map<*, *> }
            if (found.size != wanted.size) differences += "windows: ${wanted.size} in Python, ${found.size} here"
            else for ((python, kotlin) in wanted.zip(found)) compare("windows", python, kotlin)
        }
        for (one in records("words")) {
            val words = (one["words"] as List<*>).map { it as String }
            compare("words", one["encoding"] as Map<*, *>, encodeWords(tokenizer, words, locateWords(words)))
        }
        for (one in records("decode")) {
            val found = tokenizer.decode(numbers(one["ids"]).toIntArray(), one["skip_special_tokens"] as Boolean)
            check("decode ${one["ids"]}", one["text"], found)
        }
    }

    private fun records(part: String) = (vectors[part] as List<*>).map { it as Map<*, *> }

    private fun text(record: Map<*, *>) = record["text"] as String

    private fun pair(record: Map<*, *>) = record["pair"] as String?

    private fun numbers(values: Any?) = (values as List<*>).map { (it as Long? ?: -1L).toInt() }

    private fun compare(part: String, python: Map<*, *>, kotlin: Encoding) {
        // Python's list of tokens has the token of each id, or what the token is written as; the ids are the same.
        check("$part: ids", numbers(python["ids"]), kotlin.ids.asList())
        check("$part: tokens", python["tokens"], kotlin.tokens)
        check("$part: type ids", numbers(python["type_ids"]), kotlin.typeIds.asList())
        check("$part: mask", numbers(python["special_tokens_mask"]), kotlin.specialTokensMask.asList())
        check("$part: words", numbers(python["word_ids"]), kotlin.wordIds.asList())
        check("$part: sequences", numbers(python["sequence_ids"]), kotlin.sequenceIds.asList())
        val spans = kotlin.ids.indices.map { listOf(kotlin.starts[it], kotlin.ends[it]) }
        check("$part: spans", (python["spans_utf16"] as List<*>).map(::numbers), spans)
    }

    private fun check(what: String, python: Any?, kotlin: Any?) {
        compared++
        if (python != kotlin) differences += "$what: $python in Python, $kotlin here"
    }
}

/**
 * Compares this tokenizer with vectors files of `albert-export vectors`: `VectorsCheckKt BUNDLE VECTORS [BUNDLE VECTORS ...]`.
 * It prints the differences, and ends with 1 if there are some.
 */
fun main(arguments: Array<String>) {
    var different = 0
    for ((bundle, file) in arguments.toList().chunked(2)) {
        val tokenizer = FolderSource(File(bundle)).use { AlbertTokenizer.fromFiles(it) }
        val check = VectorsCheck(tokenizer, Json.parse(File(file).readText()) as Map<*, *>).also { it.run() }
        check.differences.take(SHOWN).forEach(::println)
        println("${check.differences.size} differences in ${check.compared} values of $file")
        different += check.differences.size
    }
    if (different > 0) System.exit(1)
}
