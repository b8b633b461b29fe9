package albert.runtime.postprocessing

import albert.runtime.Entity

// Token labels -> entities: the postprocessing of token classification. The twin of `entities.py`.

/** "words" is this project's own; the others are those of Hugging Face's token classification pipeline. */
internal val AGGREGATION_STRATEGIES = listOf("words", "none", "simple", "first", "average", "max")

/** What one tag is given to: a token or a word. The score of the entity does not depend on a part without one. */
private class Part(val tag: Tag, val score: Double?, val tokens: IntRange, val start: Int, val end: Int)

/**
 * The entities of a text, in its order.
 *
 * Every strategy but "none" groups neighbours by their tags, see [groupTags]; the score of an entity is the mean of the
 * scores of its parts. The strategies differ in what the parts are, and which label a part has:
 *
 * - "words": words, as [splitWords] finds them, or as they were given. A word has the label of its first token.
 * - "none": each token is an answer of its own, with the whole label ("B-PER").
 * - "simple": tokens.
 * - "first", "average", "max": what stands between two spaces, punctuation included. Its label is that of its first token,
 *   or the best of the mean of its tokens' probabilities, or that of the token that is surest.
 *
 * @param labels the names of the labels
 * @param strategy one of [AGGREGATION_STRATEGIES]
 * @param ignored the answers to leave out, by their `label`
 * @throws albert.runtime.BundleError there are more or fewer logits than labels, or they are not finite
 */
internal fun findEntities(
    tokens: LabelledTokens, labels: List<String>, strategy: String, ignored: Collection<String>,
): List<Entity> {
    checkLabelCount(tokens.logits.width, labels)
    if (tokens.tokens.isEmpty()) return emptyList()
    if (strategy == "none") return tokenAnswers(tokens, labels).filter { it.label !in ignored }
    val parts = parts(tokens, labels, strategy)
    return groupTags(parts.map { it.tag }).map { parts.subList(it.first, it.last + 1) }
        .filter { it[0].tag.kind !in ignored }.map { entity(tokens, it) }
}

/** An answer for each token. */
private fun tokenAnswers(tokens: LabelledTokens, labels: List<String>): List<Entity> {
    val scores = softmaxRows(tokens.logits)
    return tokens.labelIds.mapIndexed { token, best ->
        val start = tokens.offsets.starts[token]
        val end = tokens.offsets.ends[token]
        val (startWord, endWord) = wordSpan(tokens, token..token)
        Entity(
            labels[best], tokens.text.substring(start, end), scores[token][best], start, end, tokens.piece(token), token + 1,
            startWord, endWord,
        )
    }
}

/** What the tags of the text are given to, in order. */
private fun parts(tokens: LabelledTokens, labels: List<String>, strategy: String): List<Part> {
    if (strategy == "words") return labelWords(tokens, labels).map { Part(it.tag, it.score, it.tokens, it.start, it.end) }
    val all = tokens.tokens.indices
    val starts = if (strategy == "simple") all.toList() else all.filter { tokens.startsWord(it) }
    val scores = softmaxRows(tokens.logits)
    return (starts + tokens.tokens.size).zipWithNext { start, stop ->
        val own = start until stop
        val wordScores = wordScores(scores.subList(start, stop), strategy)
        val best = argmax(wordScores)
        val (first, last) = tokens.span(own)
        Part(readTag(labels[best]), wordScores[best], own, first, last)
    }
}

/** The probabilities of the labels of one word, from those of its tokens. */
private fun wordScores(scores: List<DoubleArray>, strategy: String): DoubleArray = when (strategy) {
    "average" -> DoubleArray(scores[0].size) { label -> scores.sumOf { it[label] } / scores.size }
    "max" -> scores[argmax(DoubleArray(scores.size) { token -> scores[token].maxOrNull()!! })]
    else -> scores[0]
}

/** The entity that neighbouring parts form. */
private fun entity(tokens: LabelledTokens, parts: List<Part>): Entity {
    val own = parts.first().tokens.first..parts.last().tokens.last
    // A part of no characters is the mark of a space; its place is the next word, which may not be in the entity.
    val visible = parts.filter { it.start < it.end }.ifEmpty { parts.take(1) }
    val start = visible.first().start
    val end = visible.last().end
    val scores = parts.mapNotNull { it.score }
    val (startWord, endWord) = wordSpan(tokens, own)
    return Entity(
        parts[0].tag.kind, tokens.text.substring(start, maxOf(start, end)), scores.sum() / scores.size, start, end,
        tokens.spell(own), null, startWord, endWord,
    )
}

/** The numbers (first, one behind the last) of the given words that the tokens are in; null if none were given. */
private fun wordSpan(tokens: LabelledTokens, own: IntRange): Pair<Int?, Int?> =
    if (tokens.words == null) null to null else tokens.wordIds[own.first] to tokens.wordIds[own.last] + 1
