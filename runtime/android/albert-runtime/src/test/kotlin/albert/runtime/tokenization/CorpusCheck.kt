package albert.runtime.tokenization

import albert.runtime.bundle.FolderSource
import albert.runtime.json.Json
import java.io.File

/** So many differences are shown. */
private const val SHOWN = 5
private const val TOKENS_SHOWN = 8
private const val CHARACTERS_SHOWN = 600

/** One line of a corpus: a text, or a pair, and what Python's tokenizer makes of it. */
private class Line(record: Map<*, *>) {
    val text = record["text"] as String
    val pair = record["pair"] as String?
    val ids = (record["ids"] as List<*>).map { (it as Long).toInt() }
    val spans = (record["spans_utf16"] as List<*>).map { span -> (span as List<*>).map { (it as Long).toInt() } }
}

/**
 * Compares this tokenizer with corpora that tools/tokenizer_corpus.py wrote: `CorpusCheckKt BUNDLE CORPUS [BUNDLE CORPUS ...]`.
 * It prints the number of differences, the first ones, and the texts per second, and ends with 1 if there is a difference.
 */
fun main(arguments: Array<String>) {
    val differences = arguments.toList().chunked(2).map { (bundle, corpus) -> check(File(bundle), File(corpus)) }
    if (differences.any { it > 0 }) System.exit(1)
}

/** The number of texts in [corpus] that the tokenizer in [bundle] splits differently. */
private fun check(bundle: File, corpus: File): Int {
    val tokenizer = FolderSource(bundle).use { AlbertTokenizer.fromFiles(it) }
    val lines = corpus.readLines().filter { it.isNotBlank() }.map { Line(Json.parse(it) as Map<*, *>) }
    var different = 0
    for ((number, line) in lines.withIndex()) {
        val found = tokenizer.encode(line.text, line.pair).single()
        val spans = found.ids.indices.map { listOf(found.starts[it], found.ends[it]) }
        if (found.ids.asList() == line.ids && spans == line.spans) continue
        if (++different > SHOWN) continue
        val wanted = tokenizer.convertIdsToTokens(line.ids.toIntArray()).zip(line.spans)
        val got = found.tokens.zip(spans)
        // An unknown token is called by what it stands for here, and by "<unk>" in a list of ids.
        val place = wanted.indices.firstOrNull { found.ids.getOrNull(it) != line.ids[it] || spans[it] != line.spans[it] } ?: wanted.size
        println("line ${number + 1}, token $place: ${escaped(line.text)}${line.pair?.let { " / ${escaped(it)}" } ?: ""}")
        for ((name, tokens) in listOf("Python" to wanted, "Kotlin" to got)) {
            println("  $name ${escaped(tokens.drop(maxOf(place - 2, 0)).take(TOKENS_SHOWN).toString())}")
        }
    }
    // The code has been compiled to machine code by now.
    val begin = System.nanoTime()
    for (line in lines) tokenizer.encode(line.text, line.pair)
    val seconds = (System.nanoTime() - begin) / 1e9
    println("$bundle: $different differences in ${lines.size} texts, ${Math.round(lines.size / seconds)} texts per second")
    return different
}

private fun escaped(text: String): String =
    text.take(CHARACTERS_SHOWN).map { if (it in ' '..'~') it.toString() else String.format("\\u%04x", it.code) }.joinToString("")
